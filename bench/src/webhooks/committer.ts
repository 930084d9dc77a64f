import { randomBytes } from 'node:crypto';
import { brandAs, type DomainName, type Room, type RoomName, type RoomSessionId, type Stores } from '@parley/domain';
import type { Database } from '@parley/persistence';
import { nowMs, sleep } from './clock';
import type { Committed, Ledger } from './ledger';
import type { EndpointOfBench } from './world';

/** How many transactions are under way at once while a backlog is made. */
const WRITERS = 8;

/** Opens and closes rooms as the api does, each with its event in the same transaction. */
export class Committer {
  /** Rooms of {@link atPace} that are to be closed next, once they are open. */
  private readonly open = new Map<DomainName, { readonly room: Room; readonly opening: Promise<unknown> }>();
  private rooms = 0;

  constructor(private readonly database: Database) {}

  /**
   * One event after the other at a steady pace, to the endpoints in turn, whether or not the last ones are through.
   * Resolves when all are committed.
   */
  async atPace(endpoints: readonly EndpointOfBench[], perSecond: number, forMs: number, ledger: Ledger): Promise<void> {
    const count = Math.round((forMs / 1_000) * perSecond);
    const commits: Promise<void>[] = [];
    const startedAt = nowMs();
    for (let n = 0; n < count; n += 1) {
      const waitMs = startedAt + (n * 1_000) / perSecond - nowMs();
      if (waitMs > 0) await sleep(waitMs);
      const endpoint = endpoints[n % endpoints.length];
      if (endpoint === undefined) continue;
      const commit = this.commit(endpoint, ledger);
      // Heard of at the end.
      commit.catch(() => undefined);
      commits.push(commit);
    }
    try {
      await Promise.all(commits);
    } catch (cause) {
      throw new Error(`this machine could not commit ${perSecond} events a second`, { cause });
    }
  }

  /** So many events for each endpoint, two with each transaction, the endpoints in turn. */
  async backlog(endpoints: readonly EndpointOfBench[], each: number, ledger: Ledger): Promise<void> {
    const waiting = Array.from({ length: each / 2 }, () => endpoints).flat();
    const write = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const room = this.newRoom(next.domain);
        const events = await this.database.uow.run(async (stores) => [
          await opened(stores, room, next.number),
          await closed(stores, room, next.number),
        ]);
        events.forEach((event) => ledger.commit(event));
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, write));
  }

  private commit({ domain, number }: EndpointOfBench, ledger: Ledger): Promise<void> {
    const run = async (change: typeof opened, room: Room): Promise<void> => {
      ledger.commit(await this.database.uow.run((stores) => change(stores, room, number)));
    };
    const last = this.open.get(domain);
    if (last !== undefined) {
      this.open.delete(domain);
      return last.opening.then(() => run(closed, last.room));
    }
    const room = this.newRoom(domain);
    const opening = run(opened, room);
    this.open.set(domain, { room, opening });
    return opening;
  }

  private newRoom(domain: DomainName): Room {
    this.rooms += 1;
    return {
      id: brandAs<RoomSessionId>(`rs_eu-1_${randomBytes(16).toString('hex')}`),
      domain,
      name: brandAs<RoomName>(`room-${this.rooms}`),
      openedBy: 'api',
      policy: {
        version: 1,
        type: 'conference',
        locked: false,
        capacity: 25,
        passwordVersion: 0,
        hasHostKey: true,
      },
      password: null,
      hostKey: 'host key of the bench',
      openedAt: new Date(),
      closeAfter: null,
    };
  }
}

async function opened({ rooms, outbox }: Stores, room: Room, endpoint: number): Promise<Committed> {
  await rooms.insert(room);
  const { type, capacity, locked } = room.policy;
  const { domain, name: roomName, id: roomSessionId, openedAt: occurredAt } = room;
  const payload = { type, capacity, locked };
  const eventId = await outbox.append({ type: 'room.created', domain, roomName, roomSessionId, payload, occurredAt });
  return { eventId, endpoint, atMs: nowMs() };
}

async function closed({ rooms, outbox }: Stores, room: Room, endpoint: number): Promise<Committed> {
  const occurredAt = new Date();
  await rooms.close(room.id, occurredAt);
  const { domain, name: roomName, id: roomSessionId } = room;
  const payload = {};
  const eventId = await outbox.append({ type: 'room.removed', domain, roomName, roomSessionId, payload, occurredAt });
  return { eventId, endpoint, atMs: nowMs() };
}
