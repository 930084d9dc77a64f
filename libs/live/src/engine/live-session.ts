import { DomainError, type CoreEvent, type JsonObject, type RoomSessionId, type SessionId } from '@parley/domain';
import type {
  Cursor,
  EndReason,
  JoinOutcome,
  JoinRequest,
  OpenRequest,
  OwnedSession,
  SessionRecord,
  SessionSink,
} from '../port';
import type { Announcement, Checkpoint, LogEntry, RoomPosition, SessionRead } from '../store';
import { decodeEvent, decodeSessionSignal, type SessionSignal } from '../wire';
import type { ReplicaContext } from './context';
import type { RoomFeed } from './room-feed';
import { Gate } from './gate';
import { KeptEvents } from './kept-events';
import { Progress } from './progress';
import { enterRoom, leaveRoom, type OpenJoin } from './rooms-of-session';
import { burnAndClear, giveUp, sayGoodbye } from './session-end';
import { Turns } from './turns';

/** One session on the replica that owns it: delivers in order, follows its logs, remembers what was written out. */
export class LiveSession implements OwnedSession {
  /** Its place among the rooms of this replica. */
  feed: RoomFeed | undefined;
  /** Its latest admission: one that was given up meanwhile is not seated. */
  seat: object | undefined;
  /** By which attempt it is in its room; undefined: that is not known, or it is in none. */
  attempt: number | undefined;
  /** A join whose outcome is unknown, to be taken back first. */
  openJoin: OpenJoin | undefined;
  request: OpenRequest | undefined;
  private requests = 0;
  private readonly progress: Progress;
  /** The fence after which everything this session did over the bus has been heard. */
  heardBy = 0;
  private readonly kept = new KeptEvents();
  private over = false;
  private forgotten = false;
  private dirty = false;
  private syncing = false;
  private readonly gate = new Gate();
  private readonly turns = new Turns();

  constructor(
    private readonly ctx: ReplicaContext,
    public record: SessionRecord,
    readonly epoch: number,
    private readonly sink: SessionSink,
    start: Cursor,
  ) {
    this.progress = new Progress(start);
  }

  get id(): SessionId {
    return this.record.id;
  }

  get room(): RoomSessionId | undefined {
    return this.progress.position.room?.id;
  }

  get roomPosition(): RoomPosition | undefined {
    return this.progress.position.room;
  }

  get isOver(): boolean {
    return this.over;
  }

  /** Lets events through, one turn of the event loop after the answer that made this session. */
  activateSoon(): void {
    this.gate.openSoon(() => {
      if (this.dirty) void this.sync();
    });
  }

  acknowledge(cursor: Cursor): void {
    if (this.progress.acknowledge(cursor)) this.ctx.chores.soon(`checkpoint ${this.id}`, () => this.save());
  }

  sendDirectly(to: SessionId, event: CoreEvent): boolean {
    return !this.over && this.ctx.shortcut.deliver(this, to, event);
  }

  doubt(): Promise<void> | undefined {
    return this.ctx.doubt();
  }

  async overBus<T>(work: () => Promise<T>): Promise<T> {
    // What was read from the socket before a long standstill may be older than what was sent elsewhere since.
    if (!this.ctx.leaseValid()) await this.ctx.renewLease();
    // It went on elsewhere, and the end of this connection is on its way: nothing it wanted is done any more.
    if (this.over) return new Promise(() => undefined);
    return this.ctx.shortcut.around(this, work);
  }

  /** Only while nothing else is on its way to it, or known to be missing. */
  deliverDirectly(event: CoreEvent): boolean {
    if (!this.gate.isOpen || this.over || this.dirty || this.syncing || this.feed?.behind) return false;
    return this.sink.deliverDirectly?.({ cursor: this.progress.position, event }) ?? false;
  }

  flush(): void {
    this.sink.flush?.();
  }

  async begin(body: JsonObject): Promise<void> {
    const token = `${this.epoch}.${(this.requests += 1)}`;
    if (this.over || !(await this.ctx.store.sessions.beginRequest(this.id, this.epoch, token, JSON.stringify(body)))) {
      throw new DomainError('session_not_found', 'The session is held elsewhere.');
    }
    this.request = { token, body };
  }

  settle(request: OpenRequest): void {
    if (this.request !== request) return;
    this.request = undefined;
    const { sessions } = this.ctx.store;
    this.ctx.chores.soon(`answered ${this.id} ${request.token}`, () => sessions.settleRequest(this.id, request.token));
  }

  keep(events: readonly CoreEvent[]): void {
    this.kept.append(this.ctx, this, events);
  }

  join(request: JoinRequest): Promise<JoinOutcome> {
    return this.exclusive(() => enterRoom(this.ctx, this, request));
  }

  leave(): Promise<void> {
    return this.exclusive(() => leaveRoom(this.ctx, this));
  }

  detach(): Promise<void> {
    this.over = true;
    return this.turns.run(() => giveUp(this.ctx, this));
  }

  close(): Promise<void> {
    this.over = true;
    return this.turns.run(() => sayGoodbye(this.ctx, this));
  }

  checkpoint(): Checkpoint {
    return this.progress.checkpoint();
  }

  /** Writes the checkpoint if it moved. */
  async save(): Promise<void> {
    if (this.over) return;
    await this.progress.save((next) => this.ctx.store.sessions.checkpoint(this.id, this.epoch, next));
  }

  announcement(): Announcement {
    return {
      record: this.record,
      epoch: this.epoch,
      owner: this.ctx.replica,
      seq: this.seq,
      room: this.roomPosition,
      checkpoint: this.checkpoint(),
    };
  }

  /** What the store says of it after an announcement or a read. */
  learn(read: SessionRead): void {
    if (read.kind === 'log') {
      for (const entry of read.entries) this.deliverOwn(entry);
      if (read.seq > this.seq) this.dirty = true;
    } else if (read.kind === 'taken') this.finish('resumed_elsewhere');
    else if (read.kind === 'ended') this.finish(read.reason, read.detail);
    else if (read.kind === 'gap') this.ctx.chores.soon(`overflow ${this.id}`, () => this.overflow());
    else this.ctx.suspect();
  }

  onSignal(text: string): void {
    if (this.over) return;
    if (this.gate.isOpen) this.receive(decodeSessionSignal(text));
    else this.gate.pass(() => this.receive(decodeSessionSignal(text)));
  }

  /** Something may have been missed: reads the log as soon as it may deliver. */
  markDirty(): void {
    this.dirty = true;
  }

  async syncIfDirty(): Promise<void> {
    if (this.dirty && this.gate.isOpen) await this.sync();
  }

  resumedAt(position: Cursor, last: Cursor | undefined): void {
    this.progress.resumedAt(position, last);
  }

  /** It heard that its room is closed. */
  roomClosed(room: RoomSessionId): void {
    this.place(undefined);
    this.feed = this.seat = undefined;
    const { attempt } = this;
    this.ctx.chores.soon(`closed ${this.id}`, () => this.ctx.store.sessions.leftRoom(this.id, room, attempt));
  }

  place(at: RoomPosition | undefined): void {
    this.progress.place(at);
  }

  renumber(at: RoomPosition): void {
    this.progress.renumber(at);
  }

  /** An event of its room, or just a number that is none of its business. */
  deliverRoom(at: RoomPosition, event: CoreEvent | undefined): void {
    if (this.over) return;
    this.progress.passRoom(at, event !== undefined);
    if (event) this.sink.deliver({ cursor: this.progress.position, event });
  }

  /** Takes it away from its connection. */
  finish(reason: EndReason, detail?: string): void {
    if (this.over) return;
    this.over = true;
    this.forget();
    this.gate.pass(() => this.sink.ended(reason, detail));
  }

  /** This replica has nothing to do with it any more. */
  forget(): void {
    if (this.forgotten) return;
    this.forgotten = true;
    this.feed?.remove(this);
    this.feed = this.seat = undefined;
    // A newer connection of the same session may be here already.
    if (this.ctx.sessions.get(this.id) === this) {
      this.ctx.sessions.delete(this.id);
      this.ctx.virtuals.drop(this.id);
    }
    this.ctx.topics.release(this.id).catch(() => undefined);
  }

  /** One operation on the session after the other; refused once it is over. */
  private exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.turns.run(async () => {
      if (this.over) throw new DomainError('session_not_found', 'The session is over.');
      return work();
    });
  }

  private receive(signal: SessionSignal): void {
    if (this.over) return;
    if (signal.kind === 'taken') {
      if (signal.epoch > this.epoch) this.finish('resumed_elsewhere');
    } else if (signal.epoch > this.epoch) this.finish('resumed_elsewhere');
    else if (signal.kind === 'end') this.receiveEnd(signal);
    else if (signal.seq <= this.seq) return;
    else if (!this.ctx.leaseValid()) this.wait();
    // Also while the log is being read: the store may be losing it.
    else if (signal.seq === this.seq + 1) this.deliverOwn(signal);
    else void this.sync();
  }

  /** Last delivered number of its own log. */
  private get seq(): number {
    return this.progress.position.session;
  }

  private wait(): void {
    this.dirty = true;
    if (!this.syncing) this.ctx.suspect();
  }

  /** The last it hears. Its log is gone by now, so what was lost on the way before stays lost. */
  private receiveEnd(signal: Extract<SessionSignal, { kind: 'end' }>): void {
    if (signal.json && signal.seq > this.seq) this.deliverOwn({ ...signal, seq: this.seq + 1 });
    this.finish(signal.reason, signal.detail);
  }

  /** Reads the log until nothing is missing; signals that come meanwhile only say "once more". */
  private async sync(): Promise<void> {
    this.dirty = true;
    if (this.syncing) return;
    this.syncing = true;
    try {
      while (this.dirty && !this.over && this.ctx.leaseValid()) {
        this.dirty = false;
        const before = this.seq;
        const read = await this.ctx.store.sessions.read(this.id, this.epoch, this.seq);
        if (this.ctx.leaseValid()) this.learn(read);
        else this.dirty = true;
        if (this.dirty && this.seq === before) return this.ctx.suspect();
      }
    } catch {
      this.dirty = true; // the store is away; the next beat tries again
    } finally {
      this.syncing = false;
    }
  }

  private deliverOwn(entry: LogEntry): void {
    if (this.over || entry.seq !== this.seq + 1) return;
    this.progress.passOwn(entry);
    const event = decodeEvent(entry.json);
    if (this.kept.has(event)) return this.sink.passed?.(this.progress.position);
    if (event.kind === 'permissions') this.record = { ...this.record, permissions: event.permissions };
    this.sink.deliver({ cursor: this.progress.position, event });
  }

  private async overflow(): Promise<void> {
    await burnAndClear(this.ctx, this.id, { reason: 'log_overflow', detail: '', epoch: this.epoch });
    this.finish('log_overflow');
  }
}
