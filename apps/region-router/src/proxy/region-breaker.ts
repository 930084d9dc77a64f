import type { RegionId } from '@parley/domain';

/** Connections to a region that fail one after the other until it is not asked for a while. */
const FAILURES = 5;
/** How long it is not asked then; after that by one call at a time. */
const PAUSE_MS = 2_000;

interface Trouble {
  failures: number;
  /** Nobody asks before then. */
  until: number;
}

/**
 * A region that swallows connections would make every call wait for the time-out. After a few of them its calls are refused
 * at once, and every two seconds one is let through to see whether it is back. Only connections that never stood count: an
 * answer, whatever it says, shows that the region is there.
 */
export class RegionBreaker {
  private readonly troubles = new Map<RegionId, Trouble>();

  /** @param now monotonic, in milliseconds */
  constructor(private readonly now: () => number) {}

  /** Whether a call may be sent there. When it may after a pause, it is the one that tries: others wait for another pause. */
  admits(region: RegionId): boolean {
    const trouble = this.troubles.get(region);
    if (trouble === undefined || trouble.failures < FAILURES) return true;
    if (this.now() < trouble.until) return false;
    trouble.until = this.now() + PAUSE_MS;
    return true;
  }

  /** It took a connection. */
  reached(region: RegionId): void {
    this.troubles.delete(region);
  }

  /** It did not. */
  missed(region: RegionId): void {
    const failures = (this.troubles.get(region)?.failures ?? 0) + 1;
    this.troubles.set(region, { failures, until: this.now() + PAUSE_MS });
  }
}
