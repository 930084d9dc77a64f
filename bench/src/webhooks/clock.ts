/** Milliseconds of the machine's monotonic clock: the same in all processes. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until it holds. @returns whether it did in time */
export async function until(holds: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  for (const end = nowMs() + withinMs; nowMs() < end; await sleep(100)) if (await holds()) return true;
  return holds();
}
