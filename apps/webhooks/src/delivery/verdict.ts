import type { FailedAttempt } from '@parley/domain';
import type { AttemptOutcome, DeliveryVerdict } from '@parley/persistence';
import type { PostingOutcome } from '../sender/webhook-sender';

/** What an attempt came to: what is recorded of it and what happens next. */
export interface Judgement {
  readonly outcome: AttemptOutcome;
  readonly status: number | null;
  readonly error: string | null;
  readonly responseExcerpt: string | null;
  readonly verdict: DeliveryVerdict;
}

/** The schedule: how long to wait after so many failed attempts, or null when it was the last. */
export type NextDelay = (failedAttempts: number, last: FailedAttempt) => number | null;

/** How much of an answer is kept. */
const EXCERPT_LENGTH = 1_024;
/** A receiver, or what stands before it, that has too much to do (Standard Webhooks 1.0). */
const OVERLOADED = new Set([429, 502, 504]);

/**
 * Judges an attempt. Only 2xx is success; a redirect is none, because it would lead around the check of the address; 410
 * ends the webhook (Standard Webhooks 1.0, section on responses).
 * @param attempt its number in the schedule, from 1
 */
export function judge(
  outcome: Exclude<PostingOutcome, { kind: 'interrupted' | 'no-way-out' }>,
  attempt: number,
  now: Date,
  nextDelay: NextDelay,
): Judgement {
  const retry = (last: FailedAttempt): DeliveryVerdict => {
    const delayMs = nextDelay(attempt, last);
    return delayMs === null ? { kind: 'exhausted' } : { kind: 'retry', delayMs };
  };
  const silent = (how: AttemptOutcome, error: string): Judgement => ({
    outcome: how,
    status: null,
    error,
    responseExcerpt: null,
    verdict: retry({ overloaded: how === 'timeout' }),
  });
  if (outcome.kind === 'timeout') return silent('timeout', 'The receiver did not answer in time.');
  if (outcome.kind !== 'answered') return silent(outcome.kind === 'refused' ? 'refused' : 'failed', outcome.reason);

  const { status } = outcome;
  const responseExcerpt = outcome.body.slice(0, EXCERPT_LENGTH);
  if (status >= 200 && status < 300) {
    return { outcome: 'delivered', status, responseExcerpt, error: null, verdict: { kind: 'delivered' } };
  }
  const error =
    status >= 300 && status < 400
      ? `Status ${status}: redirects are not followed.`
      : `The receiver answered ${status}.`;
  const heard = { outcome: 'failed', status, responseExcerpt, error } as const;
  if (status === 410) return { ...heard, verdict: { kind: 'gone' } };
  const retryAfterMs = retryAfter(outcome.retryAfter, now);
  const last = { overloaded: OVERLOADED.has(status), ...(retryAfterMs !== undefined && { retryAfterMs }) };
  return { ...heard, verdict: retry(last) };
}

/** Retry-After in milliseconds from now: seconds or an HTTP date (RFC 9110, section 10.2.3); undefined if unreadable. */
export function retryAfter(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}
