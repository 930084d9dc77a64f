import type { DomainName } from '@parley/domain';

/** Longest time until news are noticed whose bell nobody heard, and between looks while there may be some, in ms. */
const IDLE_MS = 1_000;
const ALERT_MS = 50;
/** How long after the bell the relay may need to give an event its position. */
const ALERT_FOR_MS = 1_000;
/** A database that takes long is asked less often: so many times as long as it took. */
const REST = 5;

interface Waiter {
  readonly domain: DomainName;
  readonly after: bigint;
  end(hasNews: boolean): void;
}

/** Where the events of domains end now. */
export type Heads = (domains: readonly DomainName[]) => Promise<ReadonlyMap<DomainName, bigint>>;

/**
 * Waits for events of domains on behalf of many callers at once: one question for all of them per look, and none while
 * nobody waits. The bell rings when an event is committed; it can be read a moment later, when the relay has taken it.
 */
export class EventWatch {
  private readonly waiters = new Set<Waiter>();
  private alertUntil = 0;
  /** Told apart from `looking`, which is over a moment later: who comes in between must not be overlooked. */
  private isLooking = false;
  private looking: Promise<void> | undefined;
  private wakeUp: (() => void) | undefined;
  private isClosed = false;

  /** @param trouble hears of looks that failed; the next one tries again */
  constructor(
    private readonly heads: Heads,
    private readonly trouble: (error: unknown) => void,
  ) {}

  /** How many wait now. */
  get waiting(): number {
    return this.waiters.size;
  }

  /** The bell rang: something was committed. */
  heard(): void {
    this.alertUntil = performance.now() + ALERT_FOR_MS;
    this.wakeUp?.();
  }

  /**
   * Resolves with true as soon as the domain has events behind `after`, with false when the time is up, the caller is gone
   * or this closes.
   */
  beyond(domain: DomainName, after: bigint, timeoutMs: number, gone: AbortSignal): Promise<boolean> {
    if (this.isClosed || gone.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (hasNews: boolean) => {
        clearTimeout(timer);
        gone.removeEventListener('abort', leave);
        this.waiters.delete(waiter);
        resolve(hasNews);
      };
      const leave = () => end(false);
      const timer = setTimeout(leave, timeoutMs);
      const waiter = { domain, after, end };
      gone.addEventListener('abort', leave);
      this.waiters.add(waiter);
      // The first look is due at once: something may have happened since the caller read.
      this.wakeUp?.();
      if (!this.isLooking) this.looking = this.look();
    });
  }

  /** Sends everybody away who waits. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const waiter of this.waiters) waiter.end(false);
    this.wakeUp?.();
    await this.looking;
  }

  private async look(): Promise<void> {
    this.isLooking = true;
    while (this.waiters.size > 0) {
      const began = performance.now();
      await this.tellNews();
      if (this.waiters.size === 0) break;
      const now = performance.now();
      const rest = Math.max(ALERT_MS, REST * (now - began));
      if (now < this.alertUntil) await pause(rest);
      else await this.rest(Math.max(IDLE_MS, rest));
    }
    this.isLooking = false;
  }

  private async tellNews(): Promise<void> {
    try {
      const domains = new Set([...this.waiters].map(({ domain }) => domain));
      const heads = await this.heads([...domains]);
      for (const waiter of this.waiters) if ((heads.get(waiter.domain) ?? 0n) > waiter.after) waiter.end(true);
    } catch (error) {
      this.trouble(error);
    }
  }

  /** Until the bell rings, somebody comes, or the time is up. */
  private rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.wakeUp = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.wakeUp = done;
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
