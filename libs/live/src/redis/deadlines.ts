/** An answer that is awaited; all of them in the order in which they began. */
interface Awaited {
  /** The tick at which it is given up. */
  readonly until: number;
  readonly giveUp: () => void;
  next: Awaited | undefined;
  previous: Awaited | undefined;
}

/** A deadline is so many ticks. */
const TICKS = 8;

/**
 * Gives up on what is not answered in time. The time counts in ticks of a clock of this process, and one at most for
 * however long it stood still (a machine that is too busy, a limit of its CPU): what came meanwhile is read before the next
 * tick. Timers of the commands' own would all be due before anything is read.
 */
export class Deadlines {
  private now = 0;
  private first: Awaited | undefined;
  private last: Awaited | undefined;
  private readonly clock: NodeJS.Timeout;
  private closed = false;

  /** @param ms after which, up to an eighth more, an answer counts as missing */
  constructor(ms: number) {
    this.clock = setInterval(() => this.tick(), ms / TICKS).unref();
  }

  /**
   * The answer, if it comes in time.
   * @throws Error if it does not
   */
  hold<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = () => reject(new Error('Not answered in time.'));
      if (this.closed) giveUp();
      const awaited: Awaited = { until: this.now + TICKS + 1, giveUp, next: undefined, previous: this.last };
      if (this.last === undefined) this.first = awaited;
      else this.last.next = awaited;
      this.last = awaited;
      answer.then(
        (value) => {
          this.remove(awaited);
          resolve(value);
        },
        () => {
          this.remove(awaited);
          // Fails as it does.
          resolve(answer);
        },
      );
    });
  }

  /** Nothing is awaited any more. */
  close(): void {
    this.closed = true;
    clearInterval(this.clock);
    this.giveUp(Infinity);
  }

  private tick(): void {
    this.now += 1;
    this.giveUp(this.now);
  }

  private giveUp(until: number): void {
    for (let awaited = this.first; awaited !== undefined && awaited.until <= until; awaited = this.first) {
      this.remove(awaited);
      awaited.giveUp();
    }
  }

  /** Nothing is left that holds on to what came after it: what is old would keep it all. */
  private remove(awaited: Awaited): void {
    const { next, previous } = awaited;
    if (previous !== undefined) previous.next = next;
    else if (this.first === awaited) this.first = next;
    if (next !== undefined) next.previous = previous;
    else if (this.last === awaited) this.last = previous;
    awaited.next = awaited.previous = undefined;
  }
}
