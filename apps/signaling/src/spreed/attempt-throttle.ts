import type { LiveGuards } from '@parley/live';
import { throttleKey, type Metrics } from '@parley/server-kit';

/** What is guarded against guessing. */
export type GuardedAction = 'HelloResume' | 'HelloInternal' | 'BackendRoomAuth';

/** Failures within the window after which nothing is tried any more. */
const BLOCKED_FROM = 10;
const WINDOW_MS = 30 * 60_000;
/** For so long a failure makes the next ones slower. */
const MEMORY_MS = 12 * 3_600_000;
const MAX_DELAY_MS = 25_000;

/**
 * Slows down guessing, across replicas (brief 3.8): the n-th failure of an address within half a day costs
 * 100 ms * 2^(n-1), at most 25 s, and from the tenth within half an hour it is not listened to. A success changes nothing.
 */
export class AttemptThrottle {
  private readonly delayed;
  private readonly blocked;

  /** @param metrics counts for operators; absent: nobody counts */
  constructor(
    private readonly guards: Pick<LiveGuards, 'hit' | 'hits'>,
    private readonly baseDelayMs = 100,
    metrics?: Metrics,
  ) {
    const labels = ['action'] as const;
    this.delayed = metrics?.counter('signaling_throttle_delayed_total', { help: 'Guesses slowed down', labels });
    this.blocked = metrics?.counter('signaling_throttle_bruteforce_total', { help: 'Guesses not listened to', labels });
  }

  async isBlocked(action: GuardedAction, address: string): Promise<boolean> {
    const { count } = await this.guards.hits(scope(action, address));
    if (count < BLOCKED_FROM) return false;
    this.blocked?.inc({ action });
    return true;
  }

  /** Counts a failure and waits it out. */
  async failed(action: GuardedAction, address: string): Promise<void> {
    const [{ count }] = await Promise.all([
      this.guards.hit(`${scope(action, address)}:all`, MEMORY_MS),
      this.guards.hit(scope(action, address), WINDOW_MS),
    ]);
    this.delayed?.inc({ action });
    const delay = Math.min(this.baseDelayMs * 2 ** (count - 1), MAX_DELAY_MS);
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
}

function scope(action: GuardedAction, address: string): string {
  return `throttle:${action}:${throttleKey(address)}`;
}
