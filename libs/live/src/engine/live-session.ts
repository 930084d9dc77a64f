import { DomainError, type CoreEvent, type JsonObject, type RoomSessionId, type SessionId } from '@parley/domain';
import { coversRoom, cursorOf, sameLog } from '../cursor';
import {
  LOG_LIMITS,
  type Cursor,
  type EndReason,
  type JoinOutcome,
  type JoinRequest,
  type OpenRequest,
  type OwnedSession,
  type SessionRecord,
  type SessionSink,
} from '../port';
import type { Announcement, Checkpoint, LogEntry, RoomPosition, SessionRead } from '../store';
import { decodeEvent, decodeSessionSignal, type SessionSignal } from '../wire';
import type { ReplicaContext } from './context';
import type { RoomFeed } from './room-feed';
import { Gate } from './gate';
import { KeptEvents } from './kept-events';
import { enterRoom, leaveRoom, type OpenJoin } from './rooms-of-session';
import { burnAndClear, giveUp, sayGoodbye } from './session-end';
import { Turns } from './turns';

/** Checkpoint early when this much of the log waits for it: a burst must not overflow a log that is being read. */
const EARLY_MESSAGES = LOG_LIMITS.messages / 4;
const EARLY_BYTES = LOG_LIMITS.bytes / 4;

/** One session on the replica that owns it: delivers in order, follows its logs, remembers what was written out. */
export class LiveSession implements OwnedSession {
  /** Its place among the rooms of this replica. */
  feed: RoomFeed | undefined;
  /** Its latest admission: one that was given up meanwhile is not seated. */
  seat: object | undefined;
  /** A join whose outcome is unknown, to be taken back first. */
  openJoin: OpenJoin | undefined;
  request: OpenRequest | undefined;
  private requests = 0;
  private position: Cursor;
  private lastEvent: Cursor;
  private lastRoomEvent = 0;
  private acked: Cursor;
  private saved: Checkpoint;
  private bytesSinceSaved = 0;
  /** The fence after which everything this session did over the bus has been heard. */
  heardBy = 0;
  private readonly kept = new KeptEvents();
  private over = false;
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
    this.position = this.lastEvent = this.acked = start;
    // What stands at its start may have been for it, and a client may go back behind what it said it saw.
    this.lastRoomEvent = start.room?.seq ?? 0;
    this.saved = this.checkpoint();
  }

  get id(): SessionId {
    return this.record.id;
  }

  get room(): RoomSessionId | undefined {
    return this.position.room?.id;
  }

  get roomPosition(): RoomPosition | undefined {
    return this.position.room;
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
    const known = sameLog(cursor.room, this.position.room) ? cursor.room : undefined;
    const older = known && sameLog(this.acked.room, known) && this.acked.room.seq > known.seq;
    this.acked = cursorOf(Math.max(cursor.session, this.acked.session), known && !older ? known : this.acked.room);
    if (this.acked.session - this.saved.session < EARLY_MESSAGES && this.bytesSinceSaved < EARLY_BYTES) return;
    const behind = this.checkpoint().session - this.saved.session;
    if (behind >= EARLY_MESSAGES || (behind > 0 && this.bytesSinceSaved >= EARLY_BYTES)) {
      this.ctx.chores.soon(`checkpoint ${this.id}`, () => this.save());
    }
  }

  sendDirectly(to: SessionId, event: CoreEvent): boolean {
    return !this.over && this.ctx.shortcut.deliver(this, to, event);
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
    return this.sink.deliverDirectly?.({ cursor: this.position, event }) ?? false;
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

  /** How far the client is known to have read: what it wrote out, and what was skipped for it since. */
  checkpoint(): Checkpoint {
    const idle = this.acked.session >= this.lastEvent.session && coversRoom(this.acked.room, this.lastEvent.room);
    const reached = idle ? this.position : this.acked;
    const roomEvent = Math.min(this.lastRoomEvent, reached.room?.seq ?? 0);
    return { session: reached.session, room: reached.room, roomEvent };
  }

  /** Writes the checkpoint if it moved. */
  async save(): Promise<void> {
    const next = this.checkpoint();
    if (this.over || (next.session === this.saved.session && next.room?.seq === this.saved.room?.seq)) return;
    this.bytesSinceSaved = 0;
    const before = this.saved;
    this.saved = next;
    try {
      await this.ctx.store.sessions.checkpoint(this.id, this.epoch, next);
    } catch (error) {
      this.saved = before;
      throw error;
    }
  }

  announcement(): Announcement {
    return {
      record: this.record,
      epoch: this.epoch,
      owner: this.ctx.replica,
      seq: this.position.session,
      room: this.position.room,
      checkpoint: this.checkpoint(),
    };
  }

  /** What the store says of it after an announcement or a read. */
  learn(read: SessionRead): void {
    if (read.kind === 'log') {
      for (const entry of read.entries) this.deliverOwn(entry);
      if (read.seq > this.position.session) this.dirty = true;
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

  /** What it missed was handed out: it is at `position`, `last` being the last event of it. */
  resumedAt(position: Cursor, last: Cursor | undefined): void {
    this.position = position;
    if (!last) return;
    this.lastEvent = last;
    this.lastRoomEvent = last.room?.seq ?? 0;
  }

  /** It heard that its room is closed. */
  roomClosed(room: RoomSessionId): void {
    this.place(undefined);
    this.feed = this.seat = undefined;
    this.ctx.chores.soon(`closed ${this.id}`, () => this.ctx.store.sessions.leftRoom(this.id, room));
  }

  /** It entered a room (or none): its place in that room's log. */
  place(at: RoomPosition | undefined): void {
    this.position = cursorOf(this.position.session, at);
    this.lastEvent = cursorOf(this.lastEvent.session, at);
    this.acked = cursorOf(this.acked.session, at);
    this.lastRoomEvent = at?.seq ?? 0;
  }

  /** The store numbers the room anew; the client's place is the same. */
  renumber(at: RoomPosition): void {
    const idle = coversRoom(this.acked.room, this.lastEvent.room);
    this.position = cursorOf(this.position.session, at);
    this.lastEvent = cursorOf(this.lastEvent.session, at);
    if (idle) this.acked = cursorOf(this.acked.session, at);
  }

  /** An event of its room, or just a number that is none of its business. */
  deliverRoom(at: RoomPosition, event: CoreEvent | undefined): void {
    if (this.over) return;
    this.position = cursorOf(this.position.session, at);
    if (!event) return;
    this.lastEvent = this.position;
    this.lastRoomEvent = at.seq;
    this.sink.deliver({ cursor: this.position, event });
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
    if (this.ctx.sessions.get(this.id) === this) this.ctx.sessions.delete(this.id);
    this.feed?.remove(this);
    this.feed = this.seat = undefined;
    this.ctx.virtuals.drop(this.id);
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
    else if (signal.seq <= this.position.session) return;
    else if (!this.ctx.leaseValid()) this.wait();
    // Also while the log is being read: the store may be losing it.
    else if (signal.seq === this.position.session + 1) this.deliverOwn(signal);
    else void this.sync();
  }

  private wait(): void {
    this.dirty = true;
    if (!this.syncing) this.ctx.suspect();
  }

  /** The last it hears. Its log is gone by now, so what was lost on the way before stays lost. */
  private receiveEnd(signal: Extract<SessionSignal, { kind: 'end' }>): void {
    if (signal.json && signal.seq > this.position.session)
      this.deliverOwn({ ...signal, seq: this.position.session + 1 });
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
        const before = this.position.session;
        const read = await this.ctx.store.sessions.read(this.id, this.epoch, this.position.session);
        if (this.ctx.leaseValid()) this.learn(read);
        else this.dirty = true;
        if (this.dirty && this.position.session === before) return this.ctx.suspect();
      }
    } catch {
      this.dirty = true; // the store is away; the next beat tries again
    } finally {
      this.syncing = false;
    }
  }

  private deliverOwn(entry: LogEntry): void {
    if (this.over || entry.seq !== this.position.session + 1) return;
    this.position = cursorOf(entry.seq, this.position.room);
    this.lastEvent = this.position;
    this.bytesSinceSaved += entry.json.length;
    const event = decodeEvent(entry.json);
    if (this.kept.has(event)) return this.sink.passed?.(this.position);
    if (event.kind === 'permissions') this.record = { ...this.record, permissions: event.permissions };
    this.sink.deliver({ cursor: this.position, event });
  }

  private async overflow(): Promise<void> {
    await burnAndClear(this.ctx, this.id, { reason: 'log_overflow', detail: '', epoch: this.epoch });
    this.finish('log_overflow');
  }
}
