/** How often a condition is looked at. */
const INTERVAL_MS = 20;
/** How long tests wait that say nothing else: longer than a loaded machine takes for anything, as only failures last so long. */
export const PATIENCE_MS = 15_000;

/**
 * Waits until `check` is true or returns without throwing something truthy; replaces sleeping in tests.
 * @param check answers the awaited value, or something falsy (or throws) while it is not there
 * @param describeMissing says what was awaited and what there was instead; asked once, when time is up
 * @param timeoutMs how long to wait, in milliseconds
 * @returns the truthy value `check` answered
 */
export async function eventually<Value>(
  check: () => Value | Promise<Value>,
  describeMissing: string | (() => string | Promise<string>),
  timeoutMs = PATIENCE_MS,
): Promise<NonNullable<Value>> {
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      lastError = undefined;
      const value = await check();
      if (value) return value;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= deadline) break;
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
  const missing = typeof describeMissing === 'string' ? describeMissing : await describeMissing();
  const because = lastError instanceof Error ? ` (the last look failed: ${lastError.message})` : '';
  throw new Error(`waited ${timeoutMs} ms for ${missing}${because}`, { cause: lastError });
}
