import { isDomainError } from '@parley/domain';
import type { Logger } from './logging';

/** What became of things that were worked on together. */
export interface Gathered<Id> {
  /** To be worked on again, and after how many milliseconds. */
  readonly again: ReadonlyMap<Id, number>;
  readonly failures: ReadonlyArray<{ readonly id: Id; readonly error: unknown }>;
}

export interface GathererOptions<Id> {
  /** For the log. */
  readonly name: string;
  /** What comes within this time of a run waits for the next one, in milliseconds. */
  readonly pauseMs: number;
  /** After a failure, in milliseconds. */
  readonly retryMs: number;
  readonly work: (ids: readonly Id[]) => Promise<Gathered<Id>>;
  readonly logger: Pick<Logger, 'warn' | 'debug'>;
}

/**
 * Works on things that are named one by one, those of a moment together: the first at once, what comes soon after it in
 * the next run. Each is worked on after it was last named; runs do not overlap. What fails is tried again.
 */
export class Gatherer<Id extends string> {
  private waiting = new Set<Id>();
  private readonly later = new Map<Id, NodeJS.Timeout>();
  private running: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(private readonly options: GathererOptions<Id>) {}

  add(id: Id): void {
    if (this.closed) return;
    this.waiting.add(id);
    if (this.running === undefined && this.timer === undefined) this.start();
  }

  /** Works on what was named so far, and on nothing more. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    for (const timer of this.later.values()) clearTimeout(timer);
    await this.running;
    if (this.waiting.size > 0) await this.run();
  }

  private start(): void {
    this.running = this.run().finally(() => {
      this.running = undefined;
      if (this.closed) return;
      this.timer = setTimeout(() => {
        this.timer = undefined;
        if (this.waiting.size > 0) this.start();
      }, this.options.pauseMs);
    });
  }

  private async run(): Promise<void> {
    const ids = [...this.waiting];
    this.waiting = new Set();
    for (const id of ids) this.forget(id);
    const { again, failures } = await this.work(ids);
    for (const [id, ms] of again) this.addLater(id, ms);
    for (const { id, error } of failures) {
      this.addLater(id, this.options.retryMs);
      this.report(error);
    }
  }

  private async work(ids: readonly Id[]): Promise<Gathered<Id>> {
    try {
      return await this.options.work(ids);
    } catch (error) {
      this.report(error);
      return { again: new Map(ids.map((id) => [id, this.options.retryMs])), failures: [] };
    }
  }

  private addLater(id: Id, ms: number): void {
    if (this.closed) return;
    this.forget(id);
    const timer = setTimeout(() => {
      this.later.delete(id);
      this.add(id);
    }, ms);
    this.later.set(id, timer);
  }

  private forget(id: Id): void {
    clearTimeout(this.later.get(id));
    this.later.delete(id);
  }

  private report(error: unknown): void {
    const { name, logger } = this.options;
    // An outage is told by readiness; a line per try would drown everything else.
    if (isDomainError(error, 'unavailable')) logger.debug({ gatherer: name, err: error }, 'gathered work has to wait');
    else logger.warn({ gatherer: name, err: error }, 'gathered work failed');
  }
}
