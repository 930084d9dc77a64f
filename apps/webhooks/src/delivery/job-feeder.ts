import type { WebhookId } from '@parley/domain';
import type { ReservedJob, ReserveOptions, StandingJobsStore } from '@parley/persistence';
import type { DeliveryQueue } from '@parley/queue';
import { WokenLoop, type Logger } from '@parley/server-kit';

/** How many webhooks are fed by one transaction. */
const AT_ONCE = 100;
/** The loop has nothing to find by itself: who was forgotten is found by the sweeper. */
const IDLE_MS = 60_000;

/**
 * Keeps each webhook's few places in the queue filled from the many deliveries that may wait in PostgreSQL. Never waits for
 * a webhook whose places are taken or whose rate is used up: it comes back to it.
 */
export class JobFeeder {
  private readonly hungry = new Set<WebhookId>();
  private readonly later = new Map<WebhookId, { readonly at: number; readonly timer: NodeJS.Timeout }>();
  private readonly loop: WokenLoop;

  constructor(
    private readonly store: StandingJobsStore,
    private readonly queue: DeliveryQueue,
    private readonly options: ReserveOptions,
    private readonly logger: Pick<Logger, 'warn' | 'error'>,
  ) {
    this.loop = new WokenLoop({ name: 'feeder', everyMs: IDLE_MS, run: () => this.feedSome(), logger });
  }

  /** Soon enqueues what has room. A database or queue that is away costs only time: the sweeper feeds again. */
  feed(webhooks: readonly WebhookId[]): void {
    if (webhooks.length === 0) return;
    for (const webhook of webhooks) this.hungry.add(webhook);
    this.loop.wake();
  }

  async close(): Promise<void> {
    const closed = this.loop.close();
    for (const { timer } of this.later.values()) clearTimeout(timer);
    await closed;
    for (const { timer } of this.later.values()) clearTimeout(timer);
  }

  private async feedSome(): Promise<boolean> {
    const webhooks = [...this.hungry].slice(0, AT_ONCE);
    if (webhooks.length === 0) return false;
    for (const webhook of webhooks) this.hungry.delete(webhook);
    const { jobs, again } = await this.store.reserve(webhooks, this.options);
    for (const [webhook, inMs] of again) this.feedLater(webhook, inMs);
    await this.enqueue(jobs);
    return this.hungry.size > 0;
  }

  private async enqueue(jobs: readonly ReservedJob[]): Promise<void> {
    if (jobs.length === 0) return;
    try {
      await this.queue.addDeliveries(jobs.map((job) => ({ job, delayMs: 0 })));
    } catch (error) {
      this.logger.warn({ err: error, jobs: jobs.length }, 'jobs could not be enqueued; the sweeper tries again');
      await this.store.release(jobs);
    }
  }

  private feedLater(webhook: WebhookId, inMs: number): void {
    const at = performance.now() + inMs;
    const planned = this.later.get(webhook);
    if (planned !== undefined && planned.at <= at) return;
    clearTimeout(planned?.timer);
    const timer = setTimeout(() => {
      this.later.delete(webhook);
      this.feed([webhook]);
    }, inMs);
    this.later.set(webhook, { at, timer });
  }
}
