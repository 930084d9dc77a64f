import type { DomainName } from '@parley/domain';
import { eventually, type Answer, type ReceivedRequest, type Receiver } from '@parley/testing';
import type { World } from './world';

/** One request, by what its headers say of its event. */
interface Entry {
  readonly event: string;
  readonly room: string;
  readonly seq: number;
  readonly accepted: boolean;
}

/** Writes down what a receiver was told and what it accepted, by the ids of the events. */
export class Ledger {
  readonly entries: Entry[] = [];

  /** @param answer what the receiver does; what it answers 2xx at once is accepted */
  constructor(receiver: Receiver, answer: (request: ReceivedRequest, number: number) => Answer = () => ({})) {
    receiver.answer((request) => {
      const given = answer(request, receiver.requests.length);
      const accepted = given.failure === undefined && (given.status ?? 200) < 300;
      const { 'x-parley-event-id': event = '', 'x-parley-room-session-id': room = '' } = request.headers;
      this.entries.push({ event, room, seq: Number(request.headers['x-parley-seq']), accepted });
      return given;
    });
  }

  get accepted(): readonly string[] {
    return this.entries.filter(({ accepted }) => accepted).map(({ event }) => event);
  }

  /** Waits until every event of the domain was accepted, and expects exactly those, each once. */
  async expectAll(world: World, domain: DomainName, timeoutMs = 20_000): Promise<void> {
    expect(await this.awaitAll(world, domain, timeoutMs)).toEqual([]);
    expect(new Set(this.accepted).size).toBe(this.accepted.length);
  }

  /** As {@link expectAll}, for when somebody died: events may have been accepted twice, but only so many of them. */
  async expectAllAndTwice(world: World, domain: DomainName, twiceAtMost: number, timeoutMs = 40_000): Promise<void> {
    expect(await this.awaitAll(world, domain, timeoutMs)).toEqual([]);
    expect(this.accepted.length - new Set(this.accepted).size).toBeLessThanOrEqual(twiceAtMost);
  }

  /** Each room's events, each until it was accepted, in the order of their numbers. */
  expectInOrder(): void {
    for (const room of new Set(this.entries.map((entry) => entry.room))) {
      const asked = this.entries.filter((entry) => entry.room === room).map(({ seq }) => seq);
      expect({ room, asked }).toEqual({ room, asked: [...asked].sort((one, other) => one - other) });
    }
  }

  /** What was accepted and is no event of the domain, when all of those were. */
  private async awaitAll(world: World, domain: DomainName, timeoutMs: number): Promise<string[]> {
    const events = await world.database.prisma.outboxEvent.findMany({ where: { domainName: domain } });
    expect(events.length).toBeGreaterThan(0);
    const missing = (): string[] => {
      const accepted = new Set(this.accepted);
      return events.map(({ id }) => id).filter((id) => !accepted.has(id));
    };
    await eventually(
      () => missing().length === 0,
      () =>
        `all of ${events.length} events to be accepted; ${missing().length} are missing: ${missing().slice(0, 5).join()}`,
      timeoutMs,
    );
    const ids = new Set(events.map(({ id }) => id));
    return this.accepted.filter((id) => !ids.has(id));
  }
}

/** Opens and closes rooms: two events each. */
export async function openAndClose(world: World, domain: DomainName, rooms: number, from = 0): Promise<void> {
  for (let room = from; room < from + rooms; room += 1) {
    await world.closeRoom(await world.openRoom(domain, `room-${room}`));
  }
}
