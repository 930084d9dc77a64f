import type { Logger } from './logging';

export interface WokenLoopOptions {
  /** For the log. */
  readonly name: string;
  /** The longest pause between two runs, in milliseconds. */
  readonly everyMs: number;
  /** One run. Answers whether another one should follow at once. */
  readonly run: () => Promise<boolean>;
  readonly logger: Pick<Logger, 'error'>;
}

/**
 * Work that is done when somebody says that there is some, and now and then anyway, because wake-ups can be lost. Runs
 * never overlap; a wake-up during a run is followed by another run. A run that fails is logged and tried after the pause.
 */
export class WokenLoop {
  private running: Promise<void> | undefined;
  private again = false;
  private closed = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: WokenLoopOptions) {}

  wake(): void {
    if (this.closed) return;
    if (this.running !== undefined) {
      this.again = true;
      return;
    }
    clearTimeout(this.timer);
    this.running = this.runUntilDone().finally(() => {
      this.running = undefined;
      if (this.closed) return;
      if (this.again) this.wake();
      else this.timer = setTimeout(() => this.wake(), this.options.everyMs);
    });
  }

  /** Resolves when a run under way is over. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private async runUntilDone(): Promise<void> {
    try {
      do this.again = false;
      while ((await this.options.run()) && !this.closed);
    } catch (error) {
      this.options.logger.error({ loop: this.options.name, err: error }, 'background work failed');
      this.again = false;
    }
  }
}
