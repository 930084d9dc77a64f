/** Who asks what became of a session waits this long for others who ask, so that one look serves all, in milliseconds. */
const GATHER_MS = 50;

/** What a replica knows about data that its store lost, wholly or in part. */
export class Losses {
  private known: string | undefined;
  /** Until then what is missing may still be given back by its owner. */
  private youngUntil = Number.NEGATIVE_INFINITY;
  private unaudited = false;
  private looking: Promise<string> | undefined;

  /** @param read answers the store's present generation */
  constructor(
    private readonly read: () => Promise<string>,
    private readonly graceMs: number,
  ) {}

  /** When what was not given back is gone. */
  get settledAt(): number {
    return this.youngUntil;
  }

  /** A beat has seen this generation. True: something was lost since the one that was {@link settle}d. */
  see(generation: string): boolean {
    if (this.known === generation) return false;
    if (this.known !== undefined) {
      this.youngUntil = performance.now() + this.graceMs;
      this.unaudited = true;
    }
    return true;
  }

  /** Everything of this replica was announced in this generation. */
  settle(generation: string): void {
    this.known = generation;
  }

  /**
   * Whether something that is not in the store may only not have been given back yet.
   * @param noticed called when this is how the loss was noticed
   * @throws DomainError `unavailable`
   */
  async mayHaveLost(noticed: () => void): Promise<boolean> {
    if (this.isYoung) return true;
    this.looking ??= new Promise((resolve) => setTimeout(resolve, GATHER_MS)).then(() => {
      this.looking = undefined;
      return this.read();
    });
    const generation = await this.looking;
    // A beat may have seen it meanwhile.
    if (this.isYoung) return true;
    if (this.known === undefined || generation === this.known) return false;
    noticed();
    return true;
  }

  private get isYoung(): boolean {
    return performance.now() < this.youngUntil;
  }

  /** True, once after each loss: what was not given back is gone, and may have left something behind. */
  takeAudit(now: number): boolean {
    if (!this.unaudited || now < this.youngUntil) return false;
    this.unaudited = false;
    return true;
  }

  /** The audit that was taken failed. */
  auditAgain(): void {
    this.unaudited = true;
  }
}
