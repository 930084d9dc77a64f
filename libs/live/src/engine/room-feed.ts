import type { CoreEvent, DoorPolicy, RoomSessionId, SessionId } from '@parley/domain';
import { documentOf } from '../room-port';
import type { Ordered, StoredRoomState } from '../state-store';
import type { RoomLogEntry, RoomPosition, RoomRead } from '../store';
import { decodeEvent, decodeRoomSignal, type RoomSignal } from '../wire';
import { Cohort, Cohorts } from './cohort';
import type { ReplicaContext } from './context';
import type { LiveSession } from './live-session';
import { Residents, type Lodger } from './residents';
import { NOBODY, RoomPicture, withoutSelf } from './room-picture';
import { burnAndClear } from './session-end';

/** A room as a store's answer shows it. */
type RoomState = StoredRoomState & Pick<RoomRead, 'generation' | 'seq'>;

/**
 * One room on one replica: subscribed once, in order by (generation, seq), fanned out to the sessions that are here.
 */
export class RoomFeed {
  policy: DoorPolicy | undefined;
  private generation = '';
  /** The generation before, which the store lost. */
  private former: string | undefined;
  private seq = 0;
  /** The members that are here. */
  readonly residents = new Residents();
  /** Documents this replica wrote or read. */
  readonly documents = new Map<string, Ordered>();
  private picture = new RoomPicture();
  /** As it was before the store lost the room, until that is given back. */
  private before: RoomPicture | undefined;
  private readonly sessions = new Set<LiveSession>();
  /** The generation of the room the members here are known to be members in. */
  private announced = '';
  /** Who is at the door: what they may miss between the store's answer and their activation is kept. */
  private readonly expected = new Set<object>();
  private recent: { position: RoomPosition; except: string; event: CoreEvent }[] = [];
  /** `recent` holds everything after this number. */
  private recentAfter = 0;
  private early: RoomSignal[] = [];
  private readonly cohorts = new Cohorts<LiveSession>();
  /** When it is certain who is gone since the store lost the room. */
  settleAt: number | undefined;
  private dirty = false;
  private syncing: Promise<void> | undefined;

  constructor(
    private readonly ctx: ReplicaContext,
    readonly id: RoomSessionId,
  ) {}

  get idle(): boolean {
    return this.sessions.size === 0 && this.expected.size === 0 && !this.residents.hasLodgers;
  }

  /** Something may be missing here. */
  get behind(): boolean {
    return this.dirty || this.syncing !== undefined;
  }

  get position(): RoomPosition {
    return { id: this.id, generation: this.generation, seq: this.seq };
  }

  /** Begins to keep what comes, for somebody who is about to be admitted. */
  expect(seat: object): void {
    if (this.expected.size === 0) this.recentAfter = this.seq;
    this.expected.add(seat);
  }

  /** It was not admitted after all. */
  unexpect(seat: object): void {
    this.expected.delete(seat);
    if (this.expected.size === 0) this.recent = [];
    this.ctx.feeds.dropIfIdle(this);
  }

  /** First answer of the store: from here on events are in order. */
  begin(state: RoomState): void {
    if (this.generation) return;
    this.generation = this.announced = state.generation;
    this.seq = this.recentAfter = state.seq;
    this.picture = new RoomPicture(state);
    for (const signal of this.early.splice(0)) this.receive(signal);
  }

  /** Seats a session that the store placed at `state`; it gets what came since. */
  seat(seat: object, session: LiveSession, state: RoomState): void {
    if (state.generation === this.generation && state.seq < this.recentAfter) {
      // An answer was overtaken by a later one, with which this feed began.
      void this.readFor(seat, session, state).then((now) => this.take(seat, session, now));
    } else this.take(seat, session, state);
  }

  private take(seat: object, session: LiveSession, state: RoomState): void {
    this.expected.delete(seat);
    if (!session.isOver && session.seat === seat) {
      this.sessions.add(session);
      const self = state.members.find((member) => member.sessionId === session.id);
      if (self) this.residents.seat(session, self);
      if (state.generation === this.generation) {
        for (const { position, except, event } of this.recent) {
          if (position.generation === state.generation && position.seq > state.seq) {
            this.hand(session, position, except, event);
          }
        }
      } else this.correct(session, state);
    }
    if (this.expected.size === 0) this.recent = [];
    this.ctx.feeds.dropIfIdle(this);
  }

  /** Gives one session what the log says came after `state`; answers where it is then. */
  private async readFor(seat: object, session: LiveSession, state: RoomState): Promise<RoomState> {
    const read = await this.ctx.store.rooms.read(this.id, state.generation, state.seq).catch(() => undefined);
    if (read?.generation !== state.generation || !read.entries) {
      this.overflow(session);
      return state;
    }
    for (const { seq, except, json } of read.entries) {
      if (session.isOver || session.seat !== seat) break;
      this.hand(session, { id: this.id, generation: state.generation, seq }, except, decodeEvent(json));
    }
    return { ...state, seq: read.seq };
  }

  /** A member without a connection moves in, or out. */
  lodge(lodger: Lodger): void {
    this.residents.lodge(lodger);
  }

  evict(id: SessionId): void {
    this.residents.evict(id);
    this.ctx.feeds.dropIfIdle(this);
  }

  remove(session: LiveSession): void {
    this.sessions.delete(session);
    this.residents.remove(session);
    this.cohorts.delete(session);
    this.ctx.feeds.dropIfIdle(this);
  }

  /** Removes a session that comes in anew; answers how it is put back where it was, should it not be let in. */
  standUp(session: LiveSession): () => void {
    const self = this.residents.self(session);
    this.remove(session);
    return () => {
      if (session.isOver || session.feed !== this) return;
      this.sessions.add(session);
      if (self) this.residents.seat(session, self);
    };
  }

  onSignal(text: string): void {
    this.receive(decodeRoomSignal(text));
  }

  markDirty(): void {
    this.dirty = true;
  }

  async syncIfDirty(): Promise<void> {
    if (this.dirty) await this.sync();
  }

  /** Tells the store who is here, and learns whether something was missed. */
  async announce(): Promise<void> {
    if (!this.policy || !this.generation) return;
    const { rooms, registry } = this.ctx.store;
    const state = await rooms.announce(this.id, this.announced, this.policy, this.residents.members());
    if (!state) return;
    if (state.generation !== this.announced) {
      const kept = this.residents.keepsakes(this.before ?? this.picture, this.documents);
      await rooms.restore(this.id, state.generation, kept);
      if (kept.transient.some(({ expiresAt }) => expiresAt > 0)) await registry.scheduleRoom(this.id, 0);
      this.before = undefined;
    }
    this.announced = state.generation;
    if (state.generation !== this.generation || state.seq > this.seq) this.dirty = true;
  }

  /** After the grace of a new generation: who was not announced again is gone. */
  async settleIfDue(now: number): Promise<void> {
    if (this.settleAt === undefined || now < this.settleAt) return;
    await this.sync();
    if (this.dirty || !this.ctx.leaseValid()) return;
    this.settleAt = undefined;
    this.diff(true);
    this.cohorts.clear();
  }

  /** Reads the log until nothing is missing. */
  sync(): Promise<void> {
    this.dirty = true;
    this.syncing ??= this.syncUntilClean().finally(() => {
      this.syncing = undefined;
    });
    return this.syncing;
  }

  private async syncUntilClean(): Promise<void> {
    if (!this.generation) return;
    try {
      while (this.dirty && this.ctx.leaseValid()) {
        this.dirty = false;
        const read = await this.ctx.store.rooms.read(this.id, this.generation, this.seq);
        // What was told before the store lost the room may be heard after it was asked.
        if (read && read.generation !== this.generation) await this.ctx.feeds.hearAll(this.id);
        if (!this.ctx.leaseValid()) this.dirty = true;
        else if (!read) return this.ctx.suspect();
        else this.apply(read);
      }
    } catch {
      this.dirty = true; // the store is away; the next beat tries again
    }
  }

  private apply(read: RoomRead): void {
    if (read.policy) this.policy = read.policy;
    if (read.generation !== this.generation) return this.changeGeneration(read);
    if (read.entries) for (const entry of read.entries) this.deliver(entry);
    else {
      // Messages are lost for good here: a partial replay is never given.
      for (const session of [...this.sessions]) this.overflow(session);
      this.seq = read.seq;
      this.picture = new RoomPicture(read);
    }
  }

  /** The store lost the room: what clients believe is kept, and corrected as members come back or do not. */
  private changeGeneration(read: RoomRead): void {
    this.cohorts.found(this.sessions, this.picture);
    this.former = this.generation;
    this.generation = read.generation;
    this.settleAt = performance.now() + this.ctx.times.generationGraceMs;
    this.seq = read.entries ? 0 : read.seq;
    if (this.announced !== read.generation) this.before ??= this.picture;
    this.picture = read.entries ? new RoomPicture() : new RoomPicture(read);
    for (const session of this.sessions) session.renumber(this.position);
    if (read.entries) for (const entry of read.entries) this.deliver(entry);
    else this.diff(false);
    this.ctx.chores.soon(`announce ${this.id}`, () => this.announce());
  }

  private overflow(session: LiveSession): void {
    const burning = { reason: 'log_overflow', detail: '', epoch: session.epoch } as const;
    this.ctx.chores.soon(`overflow ${session.id}`, () =>
      burnAndClear(this.ctx, session.id, burning).then(() => session.finish('log_overflow')),
    );
  }

  /** A newcomer was placed in another generation than this feed has reached. */
  private correct(session: LiveSession, state: RoomState): void {
    const cohort = new Cohort(new RoomPicture(state));
    for (const { position, except, event } of state.generation === this.former ? this.recent : []) {
      // Placed before the store lost the room: what came here since is not lost.
      if (position.generation === state.generation && position.seq <= state.seq) continue;
      this.hand(session, position, except, cohort.filter(event));
    }
    this.cohorts.set(session, cohort);
    this.settleAt ??= performance.now() + this.ctx.times.generationGraceMs;
    session.renumber(this.position);
    // Should the store be ahead, reading it brings this feed there; only then the two can be compared.
    void this.sync().then(() => this.diff(false));
  }

  private diff(withGone: boolean): void {
    for (const [session, events] of this.cohorts.catchUp(this.picture, withGone)) {
      for (const event of events) this.hand(session, this.position, '', event);
    }
  }

  private receive(signal: RoomSignal): void {
    if (!this.generation) this.early.push(signal);
    else if (signal.generation === this.generation && signal.seq <= this.seq) return;
    else if (!this.ctx.leaseValid()) {
      this.dirty = true;
      if (!this.syncing) this.ctx.suspect();
    } else if (signal.generation === this.generation && signal.seq === this.seq + 1) this.deliver(signal);
    else void this.sync();
  }

  private deliver(entry: RoomLogEntry): void {
    if (entry.seq !== this.seq + 1) return;
    this.seq = entry.seq;
    const event = decodeEvent(entry.json);
    const position = this.position;
    this.picture.follow(event);
    this.residents.follow(event, position);
    if (event.kind === 'left') for (const id of event.sessionIds) this.documents.delete(documentOf(id));
    if (this.expected.size > 0) this.recent.push({ position, except: entry.except, event });
    const news = this.cohorts.newsOf(event);
    for (const session of [...this.sessions]) {
      const at = session.roomPosition;
      if (at?.generation === this.generation && at.seq >= entry.seq) continue; // contained in its snapshot
      this.hand(session, position, entry.except, news?.has(session) ? news.get(session) : event);
    }
  }

  private hand(session: LiveSession, at: RoomPosition, except: string, event: CoreEvent | undefined): void {
    const silent = except === session.id || except === NOBODY;
    session.deliverRoom(at, silent ? undefined : event && withoutSelf(event, session.id));
    if (event?.kind === 'room-closed') this.close(session);
  }

  private close(session: LiveSession): void {
    session.roomClosed(this.id);
    this.remove(session);
  }
}
