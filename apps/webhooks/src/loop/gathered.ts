import { isOutage } from '@parley/persistence';

interface Waiting<Item, Answer> {
  readonly item: Item;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** At most so many go together: nobody waits longer for it than for a few of them. */
const AT_ONCE = 200;

/**
 * Does together what many ask for at the same time: what one turn of the event loop asks, and what comes while an answer is
 * awaited. A statement for twenty rows costs hardly more than one for a single row.
 */
export class Gathered<Item, Answer> {
  private waiting: Waiting<Item, Answer>[] = [];
  private busy = false;

  /** @param together answers in the order of the items */
  constructor(private readonly together: (items: readonly Item[]) => Promise<readonly Answer[]>) {}

  /** Rejects as `together` does. What fails only in company is tried alone. */
  run(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.busy || this.waiting.length === 0) return;
    this.busy = true;
    setImmediate(() => {
      void this.flush(this.waiting.splice(0, AT_ONCE)).then(() => {
        this.busy = false;
        this.schedule();
      });
    });
  }

  private async flush(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.together(batch.map(({ item }) => item));
      // As many answers as items: `together` promises it.
      batch.forEach(({ resolve }, index) => resolve(answers[index] as Answer));
    } catch (error) {
      if (batch.length > 1 && !isOutage(error)) await Promise.all(batch.map((single) => this.flush([single])));
      else for (const { reject } of batch) reject(error);
    }
  }
}
