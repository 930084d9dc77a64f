import type { Frame } from '@parley/protocol-spreed-signaling';

/** How much of what is sent may wait, in bytes. */
export interface OutboxLimits {
  /** Handed to the socket and not gone yet. */
  readonly inFlightBytes: number;
  /** Waiting here; beyond this the client is too slow. */
  readonly waitingBytes: number;
}

export const OUTBOX_LIMITS: OutboxLimits = { inFlightBytes: 65_536, waitingBytes: 1_048_576 };

/**
 * Frames on their way to one socket, in order. What is pushed in one turn of the event loop goes in one write: a write
 * costs more than everything else about a frame. The socket gets little at a time, so that a slow reader costs this
 * process at most {@link OutboxLimits} and what it did not get can be told from what it did.
 */
export class Outbox<Position> {
  private waiting: Frame[] = [];
  private waitingBytes = 0;
  /** For each frame in `waiting` the place that is reached when it is gone. */
  private positions: (Position | undefined)[] = [];
  private inFlight: { position: Position | undefined } | undefined;
  private turn: NodeJS.Immediate | undefined;
  private closed = false;
  private readonly awaitingEmpty: (() => void)[] = [];

  /**
   * @param send hands frames to the socket, as one; calls back (maybe before it returns) when all are gone
   * @param reached hears the position of what is gone; earlier ones are not told when several go at once
   * @param tooSlow called once, when too much waits; the outbox is closed then
   * @param written called after each attempt to hand over what waits
   */
  constructor(
    private readonly send: (frames: readonly Frame[], flushed: () => void) => void,
    private readonly reached: (position: Position) => void,
    private readonly tooSlow: () => void,
    private readonly limits: OutboxLimits = OUTBOX_LIMITS,
    private readonly written: () => void = () => undefined,
  ) {}

  push(frame: Frame, position?: Position): void {
    if (this.closed) return;
    this.waiting.push(frame);
    this.positions.push(position);
    this.waitingBytes += frame.message.length;
    this.turn ??= setImmediate(() => this.flush());
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
    else if (this.inFlight !== undefined) this.inFlight.position = position;
    else this.reached(position);
  }

  /** Hands over now what would go at the end of this turn. */
  flush(): void {
    clearImmediate(this.turn);
    this.turn = undefined;
    while (this.inFlight === undefined && this.waiting.length > 0 && !this.closed) this.handOver(this.batch());
    this.written();
  }

  /** Resolves once everything pushed so far is gone, or the outbox is closed. */
  empty(): Promise<void> {
    if (this.isEmpty || this.closed) return Promise.resolve();
    return new Promise((resolve) => this.awaitingEmpty.push(resolve));
  }

  /** Nothing is handed over or reported any more. */
  close(): void {
    clearImmediate(this.turn);
    this.closed = true;
    this.waiting = [];
    this.positions = [];
    this.settle();
  }

  /** Nothing is on its way. */
  get isEmpty(): boolean {
    return this.inFlight === undefined && this.waiting.length === 0 && !this.closed;
  }

  /** What is pushed now goes at the end of this turn. */
  get isClear(): boolean {
    return this.inFlight === undefined && !this.closed;
  }

  private settle(): void {
    this.awaitingEmpty.splice(0).forEach((resolve) => resolve());
  }

  /** As much as the socket may get at a time; at least one frame. */
  private batch(): { frames: readonly Frame[]; bytes: number } {
    let [count, bytes] = [0, 0];
    for (const { message } of this.waiting) {
      if (count > 0 && bytes + message.length > this.limits.inFlightBytes) break;
      bytes += message.length;
      count += 1;
    }
    if (count < this.waiting.length) return { frames: this.waiting.splice(0, count), bytes };
    const frames = this.waiting;
    this.waiting = [];
    return { frames, bytes };
  }

  private handOver({ frames, bytes }: { frames: readonly Frame[]; bytes: number }): void {
    const gone = this.positions.splice(0, frames.length).findLast((position) => position !== undefined);
    const flight = { position: gone };
    this.inFlight = flight;
    this.waitingBytes -= bytes;
    this.send(frames, () => this.flown(flight));
  }

  private flown(flight: { position: Position | undefined }): void {
    if (this.inFlight === flight) this.inFlight = undefined;
    if (this.closed) return;
    if (flight.position !== undefined) this.reached(flight.position);
    if (this.isEmpty) this.settle();
    // What came meanwhile has waited long enough; within `flush` its loop goes on.
    else this.turn ??= setImmediate(() => this.flush());
  }
}
