import { randomUUID } from 'node:crypto';
import type { Member, RoomSessionId, SessionId } from '@parley/domain';
import type { DepartureNote } from '../departure-store';
import type { Departure, DepartedMember, Expected } from '../port';
import type { LiveStore } from '../store';
import type { Chores } from './chores';
import type { LiveLogger } from './context';

type Listener = (departure: Departure) => Promise<void>;

/** A departure as it is written down. */
interface Written extends Departure {
  /** Its place in the room, by which one presence is told from the next. */
  readonly order?: number;
}

/** A note of this replica. */
export interface OwnNote extends DepartureNote {
  /** From then on another replica may have looked at it and, as nobody was out yet, forgotten it. */
  readonly until: number;
}

/** How many are told of at the same time. */
const AT_ONCE = 50;

/**
 * Sees to it that somebody who listens hears who is out of a room, whatever replica took them out and whichever dies:
 * it is noted before the fact, and the note is kept until it was told.
 */
export class Departures {
  private readonly listeners: Listener[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private closing = false;

  constructor(
    private readonly store: Pick<LiveStore, 'departures' | 'rooms'>,
    private readonly departureMs: number,
    private readonly chores: Pick<Chores, 'soon'>,
    private readonly logger: LiveLogger,
  ) {}

  listen(listener: Listener): void {
    this.listeners.push(listener);
  }

  /** Before a member is taken out. Undefined: nobody has to hear of it. */
  async note(room: RoomSessionId, id: SessionId): Promise<OwnNote | undefined> {
    const member = await this.store.rooms.member(room, id);
    return member && this.noteMember(room, member);
  }

  /** The same, for somebody who knows the member. */
  async noteMember(room: RoomSessionId, member: Member): Promise<OwnNote | undefined> {
    if (!concernsOthers(member)) return undefined;
    const { order, role: _role, inCall: _inCall, flags: _flags, ...who } = member;
    const written: Written = { room, order, member: who };
    return this.write({ key: keyOf(who, room), token: String(order), json: JSON.stringify(written) });
  }

  /** Somebody is about to be told that this one comes: unless it arrives, that it left. */
  async expect(member: DepartedMember): Promise<Expected> {
    const written: Written = { room: undefined, member };
    const note = await this.write({
      key: keyOf(member, undefined),
      token: randomUUID(),
      json: JSON.stringify(written),
    });
    return {
      forget: () =>
        this.chores.soon(`expected ${note.token}`, () => this.store.departures.settle(note.key, note.token)),
      // When it is due it is told in any case: none that is missing was forgotten untold.
      left: () => this.tellNoted(note),
    };
  }

  /** It is out: this replica tells, or another one that listens. Resolves once that has begun. */
  async tell(note: OwnNote): Promise<void> {
    await this.tellNoted(performance.now() < note.until ? note : await this.write(note));
  }

  /** Tells what others left untold, without waiting for it. */
  async serve(): Promise<void> {
    const free = AT_ONCE - this.underWay.size;
    if (this.listeners.length === 0 || this.closing || free <= 0) return;
    for (const note of await this.store.departures.claim(free)) {
      if (await this.isOut(note)) this.begin(note);
      else await this.store.departures.settle(note.key, note.token);
    }
  }

  /** Resolves once nothing is being told any more. */
  async close(): Promise<void> {
    this.closing = true;
    await Promise.all(this.underWay);
  }

  private async tellNoted({ key, token, json }: DepartureNote): Promise<void> {
    const { departures } = this.store;
    if (this.listeners.length === 0 || this.closing) return departures.hasten(key, token);
    const taken = await departures.take(key, token);
    if (taken !== undefined) this.begin({ key, token: taken, json });
  }

  private async write({ key, token, json }: DepartureNote): Promise<OwnNote> {
    // Before it is written: it must not count as known for longer than it is.
    const until = performance.now() + this.departureMs;
    await this.store.departures.note({ key, token, json }, this.departureMs);
    return { key, token, json, until };
  }

  private begin(note: DepartureNote): void {
    const departure = JSON.parse(note.json) as Departure; // written above
    const work = this.hear(note, departure).finally(() => this.underWay.delete(work));
    this.underWay.add(work);
  }

  private async hear({ key, token }: DepartureNote, departure: Departure): Promise<void> {
    const { departures } = this.store;
    try {
      await Promise.all(this.listeners.map((listener) => listener(departure)));
      await departures.settle(key, token);
    } catch (error) {
      // It comes due again by itself; where the listener goes away, at once.
      if (isAbort(error)) await departures.hasten(key, token).catch(() => undefined);
      else this.logger.warn({ error: String(error) }, 'a departure could not be told');
    }
  }

  /** A note is written before the fact: whoever wrote it may have died in between. */
  private async isOut({ json }: DepartureNote): Promise<boolean> {
    const { room, order, member } = JSON.parse(json) as Written; // written above
    if (room === undefined) return true;
    return (await this.store.rooms.member(room, member.sessionId))?.order !== order;
  }
}

/** Whether somebody besides the members of the room keeps books about it. */
function concernsOthers({ foreign, kind }: Member): boolean {
  return foreign !== undefined || kind === 'internal' || kind === 'virtual';
}

function isAbort(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'AbortError';
}

/** A presence at somebody else's has one note, wherever it comes from. */
function keyOf({ sessionId, foreign, foreignSessionId }: DepartedMember, room: RoomSessionId | undefined): string {
  const place = foreign && foreignSessionId ? ['f', foreign.room, foreignSessionId] : ['r', room ?? ''];
  return JSON.stringify([sessionId, ...place]);
}
