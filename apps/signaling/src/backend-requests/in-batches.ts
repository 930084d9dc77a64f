/** How many are under way at once: enough to fill the way to Redis, not enough to make everybody else wait behind them. */
const BATCH = 32;

/** Does `work` for every item; fails with the first failure, once its batch is done. */
export async function inBatches<Item>(items: Iterable<Item>, work: (item: Item) => Promise<unknown>): Promise<void> {
  const all = [...items];
  for (let at = 0; at < all.length; at += BATCH) {
    const settled = await Promise.allSettled(all.slice(at, at + BATCH).map(work));
    const failure = settled.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }
}
