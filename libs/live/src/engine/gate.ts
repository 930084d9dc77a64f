/** Holds steps back until it is opened, one turn of the event loop after somebody asked for that. */
export class Gate {
  private open = false;
  private readonly waiting: (() => void)[] = [];

  get isOpen(): boolean {
    return this.open;
  }

  /** @param then runs after what was held back */
  openSoon(then: () => void): void {
    setImmediate(() => {
      this.open = true;
      for (const step of this.waiting.splice(0)) step();
      then();
    });
  }

  pass(step: () => void): void {
    if (this.open) step();
    else this.waiting.push(step);
  }
}
