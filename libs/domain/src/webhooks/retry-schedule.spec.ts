import fc from 'fast-check';
import { MAX_ATTEMPTS, nextAttemptDelayMs, RETRY_DELAYS_MS } from './retry-schedule';

const HOUR = 3_600_000;
const middle = (): number => 0.5;

const attempts = fc.integer({ min: 0, max: MAX_ATTEMPTS - 1 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const last = fc.record(
  { overloaded: fc.boolean(), retryAfterMs: fc.integer({ min: -HOUR, max: 100 * HOUR }) },
  { requiredKeys: ['overloaded'] },
);

it('follows the schedule and ends after ten attempts', () => {
  const delays = Array.from({ length: 11 }, (_, failed) => nextAttemptDelayMs(failed, null, middle));
  expect(delays).toEqual([...RETRY_DELAYS_MS, null]);
  expect(RETRY_DELAYS_MS.map((ms) => ms / 1000)).toEqual([
    0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
  ]);
});

it('stays within 20 % of the schedule when the receiver asks for nothing', () => {
  fc.assert(
    fc.property(attempts, random, (failed, r) => {
      const base = RETRY_DELAYS_MS[failed]!;
      const delay = nextAttemptDelayMs(failed, { overloaded: false }, () => r)!;
      expect(Number.isInteger(delay)).toBe(true);
      expect(delay).toBeGreaterThanOrEqual(Math.floor(base * 0.8));
      expect(delay).toBeLessThanOrEqual(Math.ceil(base * 1.2));
    }),
  );
});

it('waits at least a minute for an overloaded receiver, and at least what it asks for, within the cap', () => {
  fc.assert(
    fc.property(attempts, random, last, (failed, r, lastAttempt) => {
      const cap = Math.max(2 * RETRY_DELAYS_MS[failed]!, HOUR);
      const delay = nextAttemptDelayMs(failed, lastAttempt, () => r)!;
      if (lastAttempt.overloaded) expect(delay).toBeGreaterThanOrEqual(60_000);
      expect(delay).toBeGreaterThanOrEqual(Math.min(lastAttempt.retryAfterMs ?? 0, cap));
      expect(delay).toBeLessThanOrEqual(cap);
    }),
  );
});

it.each([
  [2, 30 * 60_000, 30 * 60_000],
  [2, 100 * HOUR, HOUR],
  [4, 100 * HOUR, 4 * HOUR],
  [4, 1, 2 * HOUR],
])('after %i failures, asked for %i ms, waits %i ms', (failed, retryAfterMs, expected) => {
  expect(nextAttemptDelayMs(failed, { overloaded: false, retryAfterMs }, middle)).toBe(expected);
});
