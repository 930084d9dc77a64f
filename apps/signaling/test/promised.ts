import { eventually } from '@parley/testing';

/** How often a promise about time is tried. */
const TRIES = 5;
/** A header says whole seconds. */
const CLOCKS_DIFFER_MS = 5_000;

/**
 * What is promised within a time was kept in one of five tries: a machine that is busy with other tests breaks it now and
 * then, a gateway that is too slow breaks it always.
 * @param attempt does it once, with all the patience it takes, and answers how long it took, in milliseconds
 */
export async function expectWithin(promisedMs: number, attempt: () => Promise<number>): Promise<void> {
  const took: number[] = [];
  while (took.length < TRIES) {
    const ms = await attempt();
    if (ms <= promisedMs) return;
    took.push(Math.round(ms));
  }
  throw new Error(`within ${promisedMs} ms was promised; it took ${took.join(', ')} ms`);
}

/** How long it takes until `check` does not throw any more, in milliseconds; what the last look takes does not count. */
export async function takes(what: string, check: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  let began = since;
  await eventually(async () => {
    began = performance.now();
    await check();
    return true;
  }, what);
  return began - since;
}

/** The time a server says it is, on an answer to what was asked at `since` or later: right but for what clocks may differ. */
export function expectRightTime(headers: Headers, since: number): void {
  const told = Date.parse(headers.get('date') ?? '');
  expect(told).toBeGreaterThanOrEqual(since - CLOCKS_DIFFER_MS);
  expect(told).toBeLessThanOrEqual(Date.now() + CLOCKS_DIFFER_MS);
}
