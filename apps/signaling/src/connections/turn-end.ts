/** Calls what was added once, in order, when the present turn of the event loop ends: one wake-up for all. */
export class TurnEnd {
  private waiting: (() => void)[] = [];

  add(work: () => void): void {
    if (this.waiting.length === 0) setImmediate(this.run);
    this.waiting.push(work);
  }

  private readonly run = () => {
    const { waiting } = this;
    this.waiting = [];
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
