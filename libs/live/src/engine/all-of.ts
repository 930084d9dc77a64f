/** Ends when all have ended, since what is still on its way could not be taken back. */
export async function allOf(...work: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) if (outcome.status === 'rejected') throw outcome.reason;
}
