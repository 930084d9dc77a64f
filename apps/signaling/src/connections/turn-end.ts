/** The turns of the event loop, for those who write: calls what was added once, in order, when the present one ends. */
export class TurnEnd {
  private waiting: (() => void)[] = [];
  private ending = false;

  add(work: () => void): void {
    this.waiting.push(work);
    // One wake-up for all.
    if (this.ending) return;
    this.ending = true;
    setImmediate(this.run);
  }

  private readonly run = () => {
    const { waiting } = this;
    this.waiting = [];
    this.ending = false;
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
