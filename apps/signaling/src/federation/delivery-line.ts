/** Tasks under way at which the source is asked to wait, and at which it may go on. */
const FULL = 64;
const LOW = 16;

/** Does things one after the other, and slows its source down when it cannot keep up. */
export class DeliveryLine {
  private tail: Promise<void> = Promise.resolve();
  private waiting = 0;
  private full = false;

  /**
   * @param failed hears what a task threw; the next ones go on
   * @param congested true: too much waits; false: no longer
   */
  constructor(
    private readonly failed: (error: unknown) => void,
    private readonly congested: (full: boolean) => void,
  ) {}

  add(task: () => Promise<void>): void {
    this.waiting += 1;
    if (this.waiting >= FULL) this.congest(true);
    this.tail = this.tail
      .then(task)
      .catch(this.failed)
      .then(() => {
        this.waiting -= 1;
        if (this.waiting <= LOW) this.congest(false);
      });
  }

  /** Resolves once everything added so far is done. */
  done(): Promise<void> {
    return this.tail;
  }

  private congest(full: boolean): void {
    if (this.full === full) return;
    this.full = full;
    this.congested(full);
  }
}
