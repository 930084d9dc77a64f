/** Rings once, at the earliest of the times it was set to. */
export class Alarm {
  private set: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined;

  constructor(private readonly ring: () => void) {}

  /** @param at on the clock of `performance.now()` */
  setTo(at: number): void {
    if (this.set !== undefined && this.set.at <= at) return;
    this.close();
    const timer = setTimeout(
      () => {
        this.set = undefined;
        this.ring();
      },
      Math.max(0, at - performance.now()),
    );
    this.set = { at, timer };
  }

  close(): void {
    clearTimeout(this.set?.timer);
    this.set = undefined;
  }
}
