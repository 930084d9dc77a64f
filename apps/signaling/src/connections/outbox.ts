import type { Frame } from '@parley/protocol-spreed-signaling';

/** How much of what is sent may wait, in bytes. */
export interface OutboxLimits {
  /** Handed to the socket and not gone yet. */
  readonly inFlightBytes: number;
  /** Waiting here; beyond this the client is too slow. */
  readonly waitingBytes: number;
}

export const OUTBOX_LIMITS: OutboxLimits = { inFlightBytes: 65_536, waitingBytes: 1_048_576 };

interface Waiting<Position> {
  readonly frame: Frame;
  position: Position | undefined;
}

/**
 * Frames on their way to one socket, in order. The socket gets little at a time, so that a slow reader costs this
 * process at most {@link OutboxLimits} and what it did not get can be told from what it did.
 */
export class Outbox<Position> {
  private waiting: Waiting<Position>[] = [];
  private waitingBytes = 0;
  private inFlightBytes = 0;
  private flights = 0;
  private last: Waiting<Position> | undefined;
  private closed = false;
  private readonly awaitingEmpty: (() => void)[] = [];

  /**
   * @param send hands a frame to the socket; calls back when it is gone
   * @param reached hears the positions of frames that are gone, in order
   * @param tooSlow called once, when too much waits; the outbox is closed then
   */
  constructor(
    private readonly send: (frame: Frame, flushed: () => void) => void,
    private readonly reached: (position: Position) => void,
    private readonly tooSlow: () => void,
    private readonly limits: OutboxLimits = OUTBOX_LIMITS,
  ) {}

  push(frame: Frame, position?: Position): void {
    if (this.closed) return;
    const item: Waiting<Position> = { frame, position };
    this.last = item;
    if (this.waiting.length === 0 && this.hasRoom(frame)) return this.handOver(item);
    this.waiting.push(item);
    this.waitingBytes += frame.bytes.length;
    if (this.waitingBytes <= this.limits.waitingBytes) return;
    this.close();
    this.tooSlow();
  }

  /** A position without a frame of its own: reached once everything before it is gone. */
  mark(position: Position): void {
    if (this.closed) return;
    if (this.last === undefined) this.reached(position);
    else this.last.position = position;
  }

  /** Resolves once everything pushed so far is gone, or the outbox is closed. */
  empty(): Promise<void> {
    if (this.last === undefined) return Promise.resolve();
    return new Promise((resolve) => this.awaitingEmpty.push(resolve));
  }

  /** Nothing is handed over or reported any more. */
  close(): void {
    this.closed = true;
    this.waiting = [];
    this.settle();
  }

  private settle(): void {
    this.last = undefined;
    this.awaitingEmpty.splice(0).forEach((resolve) => resolve());
  }

  private hasRoom(frame: Frame): boolean {
    return this.flights === 0 || this.inFlightBytes + frame.bytes.length <= this.limits.inFlightBytes;
  }

  private handOver(item: Waiting<Position>): void {
    const bytes = item.frame.bytes.length;
    this.inFlightBytes += bytes;
    this.flights += 1;
    this.send(item.frame, () => {
      this.inFlightBytes -= bytes;
      this.flights -= 1;
      if (this.closed) return;
      if (item.position !== undefined) this.reached(item.position);
      if (this.last === item) this.settle();
      this.refill();
    });
  }

  private refill(): void {
    for (let next = this.waiting[0]; next !== undefined && this.hasRoom(next.frame); next = this.waiting[0]) {
      this.waiting.shift();
      this.waitingBytes -= next.frame.bytes.length;
      this.handOver(next);
    }
  }
}
