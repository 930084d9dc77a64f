import type { CoreEvent } from '@parley/domain';

/** How many frames are remembered: more than wait for one session. */
const REMEMBERED = 512;

/**
 * Knows a frame of another cluster that comes a second time. While a connection goes from one replica to another both may
 * put it into the log, and so does one that was not told whether it had.
 */
export class Repeats {
  private readonly marks = new Set<string>();

  has(event: CoreEvent): boolean {
    if (event.kind !== 'relayed' || event.mark === undefined) return false;
    const { marks } = this;
    if (marks.has(event.mark)) return true;
    marks.add(event.mark);
    for (const oldest of marks) {
      if (marks.size <= REMEMBERED) break;
      marks.delete(oldest);
    }
    return false;
  }
}
