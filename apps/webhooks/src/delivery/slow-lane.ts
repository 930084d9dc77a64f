import type { DomainName, WebhookId } from '@parley/domain';

/** Whose work it is. */
export interface Rider {
  readonly webhookId: WebhookId;
  readonly domain: DomainName;
}

export interface SlowLaneOptions {
  /** Work that lasts longer is slow, in milliseconds. */
  readonly slowAfterMs: number;
  /** How much slow work there may be beside what holds a place of the queue. */
  readonly atMost: number;
  /** How much work of one domain there may be at the same time, slow or not. */
  readonly perDomain: number;
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
  private readonly ofDomain = new Map<DomainName, number>();

  constructor(private readonly options: SlowLaneOptions) {}

  /**
   * The lane is full, and this one would need a place in it; or so much of its domain's hangs already that more of it, from
   * whichever receiver, would keep other domains waiting.
   */
  refuses({ webhookId, domain }: Rider): boolean {
    if ((this.ofDomain.get(domain) ?? 0) >= this.options.perDomain) return true;
    return this.isFull && this.slow.has(webhookId);
  }

  /** Resolves when the work is over or goes on in the lane. Rejects as the work does in the first case. */
  async ride({ webhookId: webhook, domain }: Rider, work: Promise<void>): Promise<void> {
    const startedAt = performance.now();
    this.ofDomain.set(domain, (this.ofDomain.get(domain) ?? 0) + 1);
    const note = (): void => {
      this.leave(domain);
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

  private leave(domain: DomainName): void {
    const left = (this.ofDomain.get(domain) ?? 1) - 1;
    if (left > 0) this.ofDomain.set(domain, left);
    else this.ofDomain.delete(domain);
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
