/** The turns of the event loop, for those who write: calls what was added once, in order, when the present one ends. */
export class TurnEnd {
  private waiting: (() => void)[] = [];
  private turn = 0;
  private ending = false;

  /** Another number in every turn. */
  get number(): number {
    this.end();
    return this.turn;
  }

  add(work: () => void): void {
    this.waiting.push(work);
    this.end();
  }

  /** One wake-up for all. */
  private end(): void {
    if (this.ending) return;
    this.ending = true;
    setImmediate(this.run);
  }

  private readonly run = () => {
    const { waiting } = this;
    this.waiting = [];
    this.ending = false;
    this.turn += 1;
    for (const work of waiting) {
      try {
        work();
      } catch (error) {
        // One's mistake is not the others'; nobody here can answer for it.
        setImmediate(() => {
          throw error;
        });
      }
    }
  };
}
