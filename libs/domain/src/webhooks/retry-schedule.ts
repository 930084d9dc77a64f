const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Milliseconds before the 1st, 2nd, ... attempt, counted from the failure of the one before. */
export const RETRY_DELAYS_MS: readonly number[] = [
  0,
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

/** After this many failed attempts a delivery has failed. */
export const MAX_ATTEMPTS = RETRY_DELAYS_MS.length;

const JITTER = 0.2;
/** A receiver that is overloaded is left alone for at least this long. */
const OVERLOAD_FLOOR_MS = MINUTE;
const RETRY_AFTER_CAP_MS = HOUR;

/** How the last attempt failed, as far as it matters for the next. */
export interface FailedAttempt {
  /** The receiver said 429, 502 or 504 (Standard Webhooks 1.0: slow down) or did not answer in time. */
  readonly overloaded: boolean;
  /** Its Retry-After in milliseconds from now; absent when it named none. */
  readonly retryAfterMs?: number;
}

/**
 * How long to wait, in milliseconds, before the next attempt: the schedule with 20 % of jitter either way, at least 60 s
 * when the receiver is overloaded, at least what it asked for, up to the larger of an hour and twice the schedule.
 * @param failedAttempts how many attempts have been made, all in vain; 0 before the first
 * @param random a number in [0, 1)
 * @returns null when no attempt is left
 */
export function nextAttemptDelayMs(
  failedAttempts: number,
  last: FailedAttempt | null,
  random: () => number,
): number | null {
  const base = RETRY_DELAYS_MS[failedAttempts];
  if (base === undefined) return null;
  const jittered = base * (1 - JITTER + 2 * JITTER * random());
  const floor = last?.overloaded === true ? OVERLOAD_FLOOR_MS : 0;
  const asked = Math.max(0, Math.min(last?.retryAfterMs ?? 0, Math.max(2 * base, RETRY_AFTER_CAP_MS)));
  return Math.round(Math.max(jittered, floor, asked));
}
