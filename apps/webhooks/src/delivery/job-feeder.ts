import type { WebhookId } from '@parley/domain';
import type { ReserveOptions, StandingJobsStore } from '@parley/persistence';
import type { DeliveryQueue } from '@parley/queue';
import type { Logger } from '@parley/server-kit';

/** Keeps each webhook's few places in the queue filled from the many deliveries that may wait in PostgreSQL. */
export class JobFeeder {
  constructor(
    private readonly store: StandingJobsStore,
    private readonly queue: DeliveryQueue,
    private readonly options: ReserveOptions,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  /** Enqueues what has room. A queue that is away costs only time: the sweeper feeds again. */
  async feed(webhooks: readonly WebhookId[]): Promise<void> {
    for (const webhook of webhooks) {
      const jobs = await this.store.reserve(webhook, this.options);
      if (jobs.length === 0) continue;
      try {
        await this.queue.addDeliveries(jobs.map(({ delayMs, ...job }) => ({ job, delayMs })));
      } catch (error) {
        this.logger.warn({ err: error, jobs: jobs.length }, 'jobs could not be enqueued; the sweeper tries again');
        await this.store.release(jobs);
        return;
      }
    }
  }
}
