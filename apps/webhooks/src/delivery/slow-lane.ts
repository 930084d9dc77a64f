import type { WebhookId } from '@parley/domain';

export interface SlowLaneOptions {
  /** Work that lasts longer is slow, in milliseconds. */
  readonly slowAfterMs: number;
  /** How much slow work there may be beside what holds a place of the queue. */
  readonly atMost: number;
  /** Slow work that failed: nobody waits for it any more. */
  readonly failed: (error: unknown) => void;
}

/**
 * Where deliveries to receivers that take their time go on, so that they do not hold the places of the queue which everybody
 * shares. A receiver that was slow last time goes there at once: however many of them hang, they hold a place for a moment
 * once, and then none until they answer quickly again.
 */
export class SlowLane {
  /** As many at most as there are webhooks. */
  private readonly slow = new Set<WebhookId>();
  private readonly underWay = new Set<Promise<void>>();

  constructor(private readonly options: SlowLaneOptions) {}

  /** The lane is full, and this one would need a place in it. */
  refuses(webhook: WebhookId): boolean {
    return this.isFull && this.slow.has(webhook);
  }

  /** Resolves when the work is over or goes on in the lane. Rejects as the work does in the first case. */
  async ride(webhook: WebhookId, work: Promise<void>): Promise<void> {
    const startedAt = performance.now();
    const note = (): void => {
      if (performance.now() - startedAt < this.options.slowAfterMs) this.slow.delete(webhook);
    };
    void work.then(note, note);
    if (!this.slow.has(webhook) && (await this.isOverSoon(work))) return;
    this.slow.add(webhook);
    if (this.isFull) return work;
    const riding = work.catch(this.options.failed).finally(() => this.underWay.delete(riding));
    this.underWay.add(riding);
  }

  /** Resolves when all that went on here is over. */
  async close(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }

  private get isFull(): boolean {
    return this.underWay.size >= this.options.atMost;
  }

  private isOverSoon(work: Promise<void>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => resolve(false), this.options.slowAfterMs);
      work.then(() => resolve(true), reject).finally(() => clearTimeout(late));
    });
  }
}
