import { PATIENCE_MS } from './eventually';

/** Things that arrive one by one, and tests that wait for some of them. */
export class Inbox<Item> {
  private readonly items: Item[] = [];
  private readonly waiting = new Set<() => void>();
  private ended: string | undefined;

  /** @param describe one line per item, for the message of a wait in vain */
  constructor(
    private readonly owner: string,
    private readonly describe: (item: Item) => string,
  ) {}

  /** Everything that arrived, in order. */
  get all(): readonly Item[] {
    return this.items;
  }

  add(item: Item): void {
    this.items.push(item);
    this.wake();
  }

  /** Nothing more will come: waits in vain end at once. */
  end(reason: string): void {
    this.ended ??= reason;
    this.wake();
  }

  /**
   * Waits until `look` finds something in what arrived.
   * @throws Error that says what was missing and lists all that did arrive
   */
  async until<Found>(
    look: (items: readonly Item[]) => Found | undefined,
    missing: string,
    timeoutMs = PATIENCE_MS,
  ): Promise<Found> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = look(this.items);
      if (found !== undefined) return found;
      if (this.ended !== undefined) throw new Error(this.report(`got no ${missing} before ${this.ended}`));
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(this.report(`waited ${timeoutMs} ms in vain for ${missing}`));
      await this.change(left);
    }
  }

  /** `what` and everything that arrived. */
  report(what: string): string {
    const lines = this.items.map((item, index) => `  ${index + 1}. ${this.describe(item)}`);
    return `${this.owner} ${what}. It received ${lines.length === 0 ? 'nothing' : `${lines.length}:\n${lines.join('\n')}`}`;
  }

  private change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.waiting.add(done);
    });
  }

  private wake(): void {
    for (const done of [...this.waiting]) done();
  }
}
