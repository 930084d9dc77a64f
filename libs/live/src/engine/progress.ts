import { coversRoom, cursorOf, sameLog } from '../cursor';
import { LOG_LIMITS, type Cursor } from '../port';
import type { Checkpoint, LogEntry, RoomPosition } from '../store';

/** Checkpoint early when this much of the log waits for it: a burst must not overflow a log that is being read. */
const EARLY_MESSAGES = LOG_LIMITS.messages / 4;
const EARLY_BYTES = LOG_LIMITS.bytes / 4;

/** How far a session has come in its own log and in its room's: what was handed out, and what the client has. */
export class Progress {
  private at: Cursor;
  private lastEvent: Cursor;
  private lastRoomEvent: number;
  private acked: Cursor;
  private saved: Checkpoint;
  private bytesSinceSaved = 0;

  constructor(start: Cursor) {
    this.at = this.lastEvent = this.acked = start;
    // What stands at its start may have been for it, and a client may go back behind what it said it saw.
    this.lastRoomEvent = start.room?.seq ?? 0;
    this.saved = this.checkpoint();
  }

  /** Where it stands: up to here everything was handed out, or was none of its business. */
  get position(): Cursor {
    return this.at;
  }

  /** The client has everything up to `cursor`. True: so much waits for a checkpoint that it is due now. */
  acknowledge(cursor: Cursor): boolean {
    const known = sameLog(cursor.room, this.at.room) ? cursor.room : undefined;
    const older = known && sameLog(this.acked.room, known) && this.acked.room.seq > known.seq;
    this.acked = cursorOf(Math.max(cursor.session, this.acked.session), known && !older ? known : this.acked.room);
    if (this.acked.session - this.saved.session < EARLY_MESSAGES && this.bytesSinceSaved < EARLY_BYTES) return false;
    const behind = this.checkpoint().session - this.saved.session;
    return behind >= EARLY_MESSAGES || (behind > 0 && this.bytesSinceSaved >= EARLY_BYTES);
  }

  /** How far the client is known to have read: what it wrote out, and what was skipped for it since. */
  checkpoint(): Checkpoint {
    const idle = this.acked.session >= this.lastEvent.session && coversRoom(this.acked.room, this.lastEvent.room);
    const reached = idle ? this.at : this.acked;
    const roomEvent = Math.min(this.lastRoomEvent, reached.room?.seq ?? 0);
    return { session: reached.session, room: reached.room, roomEvent };
  }

  /** Has the checkpoint written, if it moved. */
  async save(write: (checkpoint: Checkpoint) => Promise<void>): Promise<void> {
    const next = this.checkpoint();
    if (next.session === this.saved.session && next.room?.seq === this.saved.room?.seq) return;
    this.bytesSinceSaved = 0;
    const before = this.saved;
    this.saved = next;
    try {
      await write(next);
    } catch (error) {
      this.saved = before;
      throw error;
    }
  }

  /** What it missed was handed out: it is at `position`, `last` being the last event of it. */
  resumedAt(position: Cursor, last: Cursor | undefined): void {
    this.at = position;
    if (!last) return;
    this.lastEvent = last;
    this.lastRoomEvent = last.room?.seq ?? 0;
  }

  /** It entered a room (or none): its place in that room's log. */
  place(at: RoomPosition | undefined): void {
    this.at = cursorOf(this.at.session, at);
    this.lastEvent = cursorOf(this.lastEvent.session, at);
    this.acked = cursorOf(this.acked.session, at);
    this.lastRoomEvent = at?.seq ?? 0;
  }

  /** The store numbers the room anew; the client's place is the same. */
  renumber(at: RoomPosition): void {
    const idle = coversRoom(this.acked.room, this.lastEvent.room);
    this.at = cursorOf(this.at.session, at);
    this.lastEvent = cursorOf(this.lastEvent.session, at);
    if (idle) this.acked = cursorOf(this.acked.session, at);
  }

  /** The next number of its room: an event for it, or none of its business. */
  passRoom(at: RoomPosition, isEvent: boolean): void {
    this.at = cursorOf(this.at.session, at);
    if (!isEvent) return;
    this.lastEvent = this.at;
    this.lastRoomEvent = at.seq;
  }

  /** The next event of its own log. */
  passOwn({ seq, json }: LogEntry): void {
    this.at = cursorOf(seq, this.at.room);
    this.lastEvent = this.at;
    this.bytesSinceSaved += json.length;
  }
}
