import type { LiveGuards } from '@parley/live';
import { throttleKey, type Metrics } from '@parley/server-kit';

/** What is guarded against guessing. */
export type GuardedAction = 'HelloResume' | 'HelloInternal' | 'BackendRoomAuth';

/** Who guesses, and what. */
export interface Suspect {
  /** IPv6 counts by its /64. */
  readonly address: string;
  /**
   * The registered backend whose secret is asked for, so that one tenant's failures do not shut out another that comes
   * from the same address. Absent when none is named, or one that is not registered: inventing some wins nothing.
   */
  readonly backendId?: string | undefined;
}

/** Failures within the window after which nothing is tried any more. */
const BLOCKED_FROM = 10;
const WINDOW_MS = 30 * 60_000;
/** For so long a failure makes the next ones slower. */
const MEMORY_MS = 12 * 3_600_000;
const MAX_DELAY_MS = 25_000;

/**
 * Slows down guessing, across replicas (brief 3.8): the n-th failure of an address within half a day costs
 * 100 ms * 2^(n-1), at most 25 s, and after the tenth within half an hour it is not listened to. A success changes nothing.
 *
 * Of guesses that come at once no more than ten get an answer, since each wrong one takes its number before it is told
 * that it was wrong. A right one has to be answered only after `isBlocked` was asked, not before the look at it.
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

  async isBlocked(action: GuardedAction, suspect: Suspect): Promise<boolean> {
    const { count } = await this.guards.hits(scope(action, suspect));
    return count >= BLOCKED_FROM && this.tellBlocked(action);
  }

  /**
   * Counts a failure and waits it out.
   * @returns whether it is one that is not listened to any more; then nothing was waited for
   */
  async failed(action: GuardedAction, suspect: Suspect): Promise<'refused' | 'blocked'> {
    const [all, recent] = await Promise.all([
      this.guards.hit(`${scope(action, suspect)}:all`, MEMORY_MS),
      this.guards.hit(scope(action, suspect), WINDOW_MS),
    ]);
    if (recent.count > BLOCKED_FROM && this.tellBlocked(action)) return 'blocked';
    this.delayed?.inc({ action });
    const delay = Math.min(this.baseDelayMs * 2 ** (all.count - 1), MAX_DELAY_MS);
    await new Promise((resolve) => setTimeout(resolve, delay));
    return 'refused';
  }

  private tellBlocked(action: GuardedAction): true {
    this.blocked?.inc({ action });
    return true;
  }
}

function scope(action: GuardedAction, { address, backendId = '' }: Suspect): string {
  return `throttle:${action}:${throttleKey(address)}:${backendId}`;
}
