import type { StandingJobsStore, ValidationStore, WebhookSecrets } from '@parley/persistence';
import { deliveryJobId, type DeliveryQueue } from '@parley/queue';
import type { Logger } from '@parley/server-kit';
import type { JobFeeder } from '../delivery/job-feeder';
import type { DispatcherMetrics, SweptKind } from '../dispatcher.metrics';

export interface SweeperParts {
  readonly jobs: StandingJobsStore;
  readonly validations: ValidationStore;
  readonly secrets: Pick<WebhookSecrets, 'deleteLapsed'>;
  readonly queue: DeliveryQueue;
  readonly feeder: JobFeeder;
  readonly metrics: DispatcherMetrics;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
  readonly aheadMs: number;
  readonly doubtAfterMs: number;
}

const BATCH = 500;

/**
 * Finds in PostgreSQL what ought to be happening and is not: jobs that Redis lost, workers that died, handshakes nobody
 * asked the queue for. With it Redis may be emptied at any time. Any number of replicas may sweep at once.
 */
export class Sweeper {
  constructor(private readonly parts: SweeperParts) {}

  /** One sweep. A step that fails does not keep the others from being done. */
  async sweep(): Promise<void> {
    await this.step('abandoned deliveries', async () => {
      this.putRight('abandoned_delivery', await this.parts.jobs.takeBackAbandoned());
    });
    await this.step('removed webhooks', async () => {
      this.putRight('removed_webhook', await this.parts.jobs.failRemoved());
    });
    await this.step('lost jobs', () => this.releaseLostJobs());
    await this.step('hungry webhooks', async () => {
      await this.parts.feeder.feed(await this.parts.jobs.hungry(this.parts.aheadMs, BATCH));
    });
    await this.step('due validations', () => this.enqueueValidations());
    await this.step('lapsed secrets', async () => {
      this.putRight('lapsed_secret', await this.parts.secrets.deleteLapsed());
    });
    await this.step('backlog', async () => this.parts.metrics.backlog(await this.parts.jobs.backlog()));
  }

  /** A job may also just be late, or its worker about to claim the delivery; then it is still in the queue and is left there. */
  private async releaseLostJobs(): Promise<void> {
    const { jobs, queue, doubtAfterMs } = this.parts;
    const doubtful = await jobs.doubtful(BATCH);
    if (doubtful.length === 0) return;
    const standing = await queue.standing(doubtful);
    const isThere = (job: (typeof doubtful)[number]): boolean => standing.has(deliveryJobId(job));
    const lost = doubtful.filter((job) => !isThere(job));
    await jobs.stillStanding(doubtful.filter(isThere), doubtAfterMs);
    await jobs.release(lost);
    this.putRight('lost_job', lost.length);
  }

  private putRight(kind: SweptKind, count: number): void {
    this.parts.metrics.swept(kind, count);
    if (count > 0) this.parts.logger.info({ kind, count }, 'the sweeper put something right');
  }

  private async enqueueValidations(): Promise<void> {
    const due = await this.parts.validations.due(BATCH);
    for (const webhook of due) await this.parts.queue.addValidation(webhook);
    this.parts.metrics.swept('due_validation', due.length);
  }

  private async step(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.parts.logger.warn({ step: what, err: error }, 'a sweep could not be done; the next one tries again');
    }
  }
}
