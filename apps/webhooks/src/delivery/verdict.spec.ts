import type { FailedAttempt } from '@parley/domain';
import { judge, retryAfter } from './verdict';

const now = new Date('2026-11-21T12:00:00Z');
const answered = (status: number, retryHeader?: string) => ({
  kind: 'answered' as const,
  status,
  body: 'x'.repeat(5_000),
  ...(retryHeader !== undefined && { retryAfter: retryHeader }),
});

/** Judges the first attempt and tells what the schedule was asked. */
function judged(outcome: Parameters<typeof judge>[0], delay: number | null = 7) {
  const asked: [number, FailedAttempt][] = [];
  const judgement = judge(outcome, 1, now, (attempts, last) => {
    asked.push([attempts, last]);
    return delay;
  });
  return { ...judgement, asked };
}

describe('the verdict on an attempt', () => {
  test.each([200, 201, 204, 299])('%i is success, and only the start of the answer is kept', (status) => {
    const { verdict, error, responseExcerpt } = judged(answered(status));
    expect(verdict).toEqual({ kind: 'delivered' });
    expect(error).toBeNull();
    expect(responseExcerpt).toHaveLength(1_024);
  });

  test.each([301, 302, 307, 400, 401, 404, 500, 503])('%i is tried again after the schedule', (status) => {
    const { verdict, asked, error } = judged(answered(status));
    expect(verdict).toEqual({ kind: 'retry', delayMs: 7 });
    expect(asked).toEqual([[1, { overloaded: false }]]);
    expect(error).toContain(String(status));
  });

  test('410 ends the webhook', () => expect(judged(answered(410)).verdict).toEqual({ kind: 'gone' }));

  test('429 counts as overloaded, and Retry-After is passed on', () => {
    expect(judged(answered(429, '120')).asked).toEqual([[1, { overloaded: true, retryAfterMs: 120_000 }]]);
  });

  test.each([502, 504])('%i counts as overloaded', (status) => {
    expect(judged(answered(status)).asked).toEqual([[1, { overloaded: true }]]);
  });

  test('is classed for breakers', () => {
    const outcomes = [answered(200), answered(404), answered(410)].map((outcome) => judged(outcome).outcome);
    expect(outcomes).toEqual(['delivered', 'failed', 'failed']);
    expect(judged({ kind: 'timeout' }).outcome).toBe('timeout');
    expect(judged({ kind: 'refused', reason: 'r' }).outcome).toBe('refused');
    expect(judged({ kind: 'unreachable', reason: 'r' }).outcome).toBe('failed');
  });

  test('no answer in time counts as overloaded; other trouble does not', () => {
    expect(judged({ kind: 'timeout' }).asked).toEqual([[1, { overloaded: true }]]);
    expect(judged({ kind: 'unreachable', reason: 'r' })).toMatchObject({
      error: 'r',
      asked: [[1, { overloaded: false }]],
    });
  });

  test('after the last attempt there is none', () => {
    expect(judged({ kind: 'refused', reason: 'r' }, null).verdict).toEqual({ kind: 'exhausted' });
  });
});

describe('Retry-After', () => {
  test.each([
    [undefined, undefined],
    ['5', 5_000],
    ['Sat, 21 Nov 2026 12:00:30 GMT', 30_000],
    ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['9'.repeat(40), undefined],
  ])('%s', (header, expected) => expect(retryAfter(header, now)).toBe(expected));
});
