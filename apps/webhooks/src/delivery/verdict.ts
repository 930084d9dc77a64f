import type { FailedAttempt } from '@parley/domain';
import type { DeliveryVerdict } from '@parley/persistence';
import type { PostingOutcome } from '../sender/webhook-sender';

/** What an attempt came to: what is recorded of it and what happens next. */
export interface Judgement {
  readonly status: number | null;
  readonly error: string | null;
  readonly responseExcerpt: string | null;
  readonly verdict: DeliveryVerdict;
}

/** The schedule: how long to wait after so many failed attempts, or null when it was the last. */
export type NextDelay = (failedAttempts: number, last: FailedAttempt) => number | null;

/** How much of an answer is kept. */
const EXCERPT_LENGTH = 1_024;

/**
 * Judges an attempt. Only 2xx is success; a redirect is none, because it would lead around the check of the address; 410
 * ends the webhook (Standard Webhooks 1.0, section on responses).
 * @param attempt its number, from 1
 */
export function judge(
  outcome: Exclude<PostingOutcome, { kind: 'interrupted' }>,
  attempt: number,
  now: Date,
  nextDelay: NextDelay,
): Judgement {
  const retry = (last: FailedAttempt): DeliveryVerdict => {
    const delayMs = nextDelay(attempt, last);
    return delayMs === null ? { kind: 'exhausted' } : { kind: 'retry', delayMs };
  };
  const silent = (error: string, overloaded: boolean): Judgement => ({
    status: null,
    error,
    responseExcerpt: null,
    verdict: retry({ overloaded }),
  });
  if (outcome.kind === 'timeout') return silent('The receiver did not answer in time.', true);
  if (outcome.kind !== 'answered') return silent(outcome.reason, false);

  const { status } = outcome;
  const responseExcerpt = outcome.body.slice(0, EXCERPT_LENGTH);
  if (status >= 200 && status < 300) return { status, responseExcerpt, error: null, verdict: { kind: 'delivered' } };
  const error =
    status >= 300 && status < 400
      ? `Status ${status}: redirects are not followed.`
      : `The receiver answered ${status}.`;
  if (status === 410) return { status, responseExcerpt, error, verdict: { kind: 'gone' } };
  const retryAfterMs = retryAfter(outcome.retryAfter, now);
  const last = { overloaded: status === 429, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  return { status, responseExcerpt, error, verdict: retry(last) };
}

/** Retry-After in milliseconds from now: seconds or an HTTP date (RFC 9110, section 10.2.3); undefined if unreadable. */
export function retryAfter(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}
