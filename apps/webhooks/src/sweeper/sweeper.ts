import type {
  BacklogStore,
  BreakerStore,
  DeliveryUpkeepStore,
  ReservedJob,
  StandingJobsStore,
  ValidationStore,
  WebhookSecrets,
} from '@parley/persistence';
import type { WebhookId } from '@parley/domain';
import { deliveryJobId, type DeliveryQueue } from '@parley/queue';
import type { Logger } from '@parley/server-kit';
import type { JobFeeder } from '../delivery/job-feeder';
import type { DispatcherMetrics, SweptKind } from '../dispatcher.metrics';

export interface SweeperParts {
  readonly jobs: StandingJobsStore;
  readonly upkeep: DeliveryUpkeepStore;
  readonly breakers: BreakerStore;
  readonly backlog: BacklogStore;
  readonly validations: ValidationStore;
  readonly secrets: Pick<WebhookSecrets, 'deleteLapsed'>;
  readonly queue: DeliveryQueue;
  readonly feeder: JobFeeder;
  readonly metrics: DispatcherMetrics;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
  /** There are new events in the outbox. */
  readonly wakeRelay: () => void;
  readonly doubtAfterMs: number;
  /** How often breakers are judged and the backlog is counted; in milliseconds. */
  readonly everyMs: { readonly breakers: number; readonly backlog: number };
}

const BATCH = 500;
/** Deliveries of removed webhooks that one sweep gives up. */
const REMOVED_AT_ONCE = 5_000;
/** After counting the backlog so many times as long as that took passes at least. */
const COUNTING_RESTS = 20;
/** Batches of jobs in doubt that one sweep looks at: as many as all webhooks of a busy region have. */
const DOUBTS_AT_ONCE = 100;

/**
 * Finds in PostgreSQL what ought to be happening and is not: jobs that Redis lost, workers that died, handshakes nobody
 * asked the queue for. With it Redis may be emptied at any time. Any number of replicas may sweep at once.
 */
export class Sweeper {
  /** When what is not done in each sweep is due, by `performance.now()`. */
  private readonly dueAt = new Map<keyof SweeperParts['everyMs'], number>();

  constructor(private readonly parts: SweeperParts) {}

  /** One sweep. A step that fails does not keep the others from being done. */
  async sweep(): Promise<void> {
    await this.step('abandoned deliveries', async () => {
      const { takenBack, givenUp } = await this.parts.upkeep.takeBackAbandoned();
      this.putRight('abandoned_delivery', takenBack);
      this.putRight('hopeless_delivery', givenUp);
    });
    await this.step('removed webhooks', async () => {
      this.putRight('removed_webhook', await this.parts.upkeep.failRemoved(REMOVED_AT_ONCE));
    });
    await this.step('accounts', async () => {
      this.putRight('followed_account', await this.parts.upkeep.followAccounts());
    });
    await this.step('lost jobs', () => this.releaseLostJobs());
    await this.step('breakers', () => this.judgeBreakers());
    await this.step('hungry webhooks', () => this.feedHungry());
    await this.step('due validations', () => this.enqueueValidations());
    await this.step('lapsed secrets', async () => {
      this.putRight('lapsed_secret', await this.parts.secrets.deleteLapsed());
    });
    if (this.isDue('backlog')) await this.step('backlog', () => this.countBacklog());
  }

  private isDue(what: keyof SweeperParts['everyMs']): boolean {
    const now = performance.now();
    if (now < (this.dueAt.get(what) ?? -Infinity)) return false;
    this.dueAt.set(what, now + this.parts.everyMs[what]);
    return true;
  }

  /** A backlog of millions takes long to count, and is counted the less often. */
  private async countBacklog(): Promise<void> {
    const began = performance.now();
    this.parts.metrics.backlog(await this.parts.backlog.backlog());
    const now = performance.now();
    const restMs = COUNTING_RESTS * (now - began);
    if (restMs > this.parts.everyMs.backlog) this.dueAt.set('backlog', now + restMs);
  }

  private async feedHungry(): Promise<void> {
    let after: WebhookId | 0 = 0;
    for (;;) {
      const hungry: readonly WebhookId[] = await this.parts.jobs.hungry(after, BATCH);
      this.parts.feeder.feed(hungry);
      if (hungry.length < BATCH) return;
      after = hungry.at(-1) ?? 0;
    }
  }

  private async judgeBreakers(): Promise<void> {
    const { breakers, metrics, logger, wakeRelay } = this.parts;
    if (this.isDue('breakers')) this.putRight('breaker_opened', await breakers.trip());
    await breakers.halfOpen();
    const alerts = await breakers.alert(BATCH);
    for (const { reason, ...about } of alerts) {
      metrics.alert(reason);
      logger.warn({ ...about, alert: reason }, 'a webhook needs its owner, or does no more');
    }
    if (alerts.length > 0) wakeRelay();
  }

  /** After a Redis that lost everything all of them are in doubt, and nobody is to wait for many sweeps. */
  private async releaseLostJobs(): Promise<void> {
    for (let batch = 0; batch < DOUBTS_AT_ONCE; batch += 1) {
      const doubtful = await this.parts.jobs.doubtful(BATCH);
      await this.releaseLost(doubtful);
      if (doubtful.length < BATCH) return;
    }
  }

  /** A job may also just be late, or its worker about to claim the delivery; then it is still in the queue and is left there. */
  private async releaseLost(doubtful: readonly ReservedJob[]): Promise<void> {
    if (doubtful.length === 0) return;
    const { jobs, queue, doubtAfterMs } = this.parts;
    const standing = await queue.standing(doubtful);
    const isThere = (job: ReservedJob): boolean => standing.has(deliveryJobId(job));
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
