import type { RoomSessionId } from '@parley/domain';
import type { RoomStateStore } from '../state-store';

/** Longer waits are left to the list of what is due; timers of the platform end at 24 days. */
const LONGEST_MS = 3_600_000;

/**
 * Wakes the store when transient values this replica wrote expire. Only for being punctual: the store decides what has
 * expired, and what a replica does not live to see is done by whoever finds it due.
 */
export class Expiries {
  private readonly timers = new Map<RoomSessionId, { readonly at: number; readonly timer: NodeJS.Timeout }>();
  private closed = false;

  constructor(private readonly rooms: Pick<RoomStateStore, 'expire'>) {}

  arm(room: RoomSessionId, inMs: number): void {
    const at = performance.now() + inMs;
    const known = this.timers.get(room);
    if (this.closed || inMs > LONGEST_MS || (known && known.at <= at)) return;
    clearTimeout(known?.timer);
    this.timers.set(room, { at, timer: setTimeout(() => void this.expire(room), inMs) });
  }

  close(): void {
    this.closed = true;
    for (const { timer } of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private async expire(room: RoomSessionId): Promise<void> {
    this.timers.delete(room);
    try {
      const nextInMs = await this.rooms.expire(room);
      if (nextInMs !== undefined) this.arm(room, nextInMs);
    } catch {
      // The store is away; the room is due there.
    }
  }
}
