import type { Frame } from '@parley/protocol-spreed-signaling';
import { TurnEnd } from './turn-end';

/** How much of what is sent may wait, in bytes. */
export interface OutboxLimits {
  /** Handed to the socket and not gone yet. */
  readonly inFlightBytes: number;
  /** Waiting here; beyond this the client is too slow. */
  readonly waitingBytes: number;
}

export const OUTBOX_LIMITS: OutboxLimits = { inFlightBytes: 65_536, waitingBytes: 1_048_576 };

/**
 * Frames on their way to one socket, in order. What is pushed in one turn of the event loop goes in one write at its end: a
 * write costs more than everything else about a frame, and many one after the other cost less than as many in between
 * other work. The socket gets little at a time, so that a slow reader costs this process at most {@link OutboxLimits} and
 * what it did not get can be told from what it did.
 */
export class Outbox<Position> {
  private waiting: Frame[] = [];
  private waitingBytes = 0;
  /** For each frame in `waiting` the place that is reached when it is gone. */
  private positions: (Position | undefined)[] = [];
  private inFlight = false;
  /** Reached when what is in flight is gone. */
  private flying: Position | undefined;
  private scheduled = false;
  private closed = false;
  /** It is being found out whether what waits may still be written. */
  private held = false;
  private readonly awaitingEmpty: (() => void)[] = [];

  /**
   * @param send hands frames to the socket, as one, and keeps the list no longer than the call; calls back once (maybe
   *   before it returns) when all are gone
   * @param reached hears the position of what is gone; earlier ones are not told when several go at once
   * @param tooSlow called once, when too much waits; the outbox is closed then
   * @param written called after each attempt to hand over what waits
   * @param turnEnd calls what wants to write when the turn of the event loop ends
   * @param doubt asked before each handing over of frames with a position: undefined when they may be written, else
   *   settles when it is to be asked again. After a standstill of the process somebody else may have sent them
   */
  constructor(
    private readonly send: (frames: readonly Frame[], flushed: () => void) => void,
    private readonly reached: (position: Position) => void,
    private readonly tooSlow: () => void,
    private readonly limits: OutboxLimits = OUTBOX_LIMITS,
    private readonly written: () => void = () => undefined,
    private readonly turnEnd = new TurnEnd(),
    private readonly doubt: () => Promise<void> | undefined = () => undefined,
  ) {}

  push(frame: Frame, position?: Position): void {
    if (this.closed) return;
    this.waiting.push(frame);
    this.positions.push(position);
    this.waitingBytes += frame.message.length;
    this.schedule();
    if (this.waitingBytes <= this.limits.inFlightBytes) return;
    this.flush();
    if (this.waitingBytes <= this.limits.waitingBytes) return;
    this.close();
    this.tooSlow();
  }

  /** A position without a frame of its own: reached once everything before it is gone. */
  mark(position: Position): void {
    if (this.closed) return;
    if (this.positions.length > 0) this.positions[this.positions.length - 1] = position;
    else if (this.inFlight) this.flying = position;
    else this.reached(position);
  }

  /** Hands over now what would go at the end of this turn. */
  flush(): void {
    this.scheduled = false;
    while (!this.inFlight && this.waiting.length > 0 && !this.closed && !this.isHeld()) this.handOver();
    this.written();
  }

  /** What may not be written now is somebody else's: it never is, here. */
  dropDoubtful(): void {
    if (!this.isHeld()) return;
    this.written();
    this.held = false;
    this.waiting = [];
    this.positions = [];
    this.waitingBytes = 0;
  }

  /**
   * The connection is to be closed: what waits is handed over although something is on its way, unless that is much,
   * which is for a reader that does not read.
   */
  finish(): void {
    this.flush();
    if (!this.inFlight || this.closed || this.held || this.waitingBytes > this.limits.inFlightBytes) return;
    const frames = this.waiting;
    this.waiting = [];
    this.positions = [];
    this.waitingBytes = 0;
    if (frames.length > 0) this.send(frames, () => undefined);
  }

  /** Resolves once everything pushed so far is gone, or the outbox is closed. */
  empty(): Promise<void> {
    if (this.isEmpty || this.closed) return Promise.resolve();
    return new Promise((resolve) => this.awaitingEmpty.push(resolve));
  }

  /** Nothing is handed over or reported any more. */
  close(): void {
    this.scheduled = false;
    this.closed = true;
    this.waiting = [];
    this.positions = [];
    this.settle();
  }

  /** What was pushed last may never have gone. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** Nothing is on its way. */
  get isEmpty(): boolean {
    return !this.inFlight && this.waiting.length === 0 && !this.closed;
  }

  /** What is pushed now goes at the end of this turn. */
  get isClear(): boolean {
    return !this.inFlight && !this.closed;
  }

  private settle(): void {
    this.awaitingEmpty.splice(0).forEach((resolve) => resolve());
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.turnEnd.add(this.endTurn);
  }

  private readonly endTurn = () => {
    if (this.scheduled) this.flush();
  };

  /** Frames without a position are not from the logs: nobody else sends them. */
  private isHeld(): boolean {
    if (this.held) return true;
    if (this.positions.every((position) => position === undefined)) return false;
    const doubt = this.doubt();
    if (doubt === undefined) return false;
    this.held = true;
    const again = () => {
      if (!this.held) return;
      this.held = false;
      this.flush();
    };
    doubt.then(again, again);
    return true;
  }

  private handOver(): void {
    const { waiting, positions } = this;
    const all = this.waitingBytes <= this.limits.inFlightBytes;
    const frames = all ? waiting : waiting.splice(0, this.fitting());
    this.flying = lastOf(all ? positions : positions.splice(0, frames.length));
    this.inFlight = true;
    this.waitingBytes -= all ? this.waitingBytes : frames.reduce((sum, { message }) => sum + message.length, 0);
    if (all) {
      this.waiting = [];
      this.positions = [];
    }
    this.send(frames, this.flown);
  }

  /** How many frames the socket may get at a time; at least one. */
  private fitting(): number {
    let bytes = 0;
    const first = this.waiting.findIndex(({ message }) => (bytes += message.length) > this.limits.inFlightBytes);
    return first < 0 ? this.waiting.length : Math.max(first, 1);
  }

  private readonly flown = () => {
    this.inFlight = false;
    if (this.closed) return;
    if (this.flying !== undefined) this.reached(this.flying);
    if (this.isEmpty) this.settle();
    // What came meanwhile has waited long enough; within `flush` its loop goes on.
    else this.schedule();
  };
}

/** The last place that is one. */
function lastOf<Position>(positions: readonly (Position | undefined)[]): Position | undefined {
  if (positions.length === 1) return positions[0];
  return positions.findLast((position) => position !== undefined);
}
