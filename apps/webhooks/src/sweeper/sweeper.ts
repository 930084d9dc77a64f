import type {
  BacklogStore,
  BreakerStore,
  DeliveryUpkeepStore,
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
  /** How often breakers are judged, old data is deleted and the backlog is counted; in milliseconds. */
  readonly everyMs: { readonly breakers: number; readonly retention: number; readonly backlog: number };
}

const BATCH = 500;
/** Deleting and giving up goes in steps of this size, so that nobody waits long for a lock, and this often in a row. */
const OLD_AT_ONCE = 200;
const OLD_ROUNDS = 50;

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
      this.putRight('removed_webhook', await this.parts.upkeep.failRemoved());
    });
    await this.step('lost jobs', () => this.releaseLostJobs());
    await this.step('breakers', () => this.judgeBreakers());
    await this.step('hungry webhooks', () => this.feedHungry());
    await this.step('due validations', () => this.enqueueValidations());
    await this.step('lapsed secrets', async () => {
      this.putRight('lapsed_secret', await this.parts.secrets.deleteLapsed());
    });
    if (this.isDue('retention')) await this.step('retention', () => this.forgetOld());
    if (this.isDue('backlog')) {
      await this.step('backlog', async () => this.parts.metrics.backlog(await this.parts.backlog.backlog()));
    }
  }

  private isDue(what: keyof SweeperParts['everyMs']): boolean {
    const now = performance.now();
    if (now < (this.dueAt.get(what) ?? -Infinity)) return false;
    this.dueAt.set(what, now + this.parts.everyMs[what]);
    return true;
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

  private async forgetOld(): Promise<void> {
    const { upkeep } = this.parts;
    for (let round = 0; round < OLD_ROUNDS; round += 1) {
      const expired = await upkeep.expire(OLD_AT_ONCE);
      const { events, validations } = await upkeep.deleteOld(OLD_AT_ONCE);
      this.putRight('expired_delivery', expired);
      this.putRight('old_event', events);
      this.putRight('old_validation', validations);
      const removed = await upkeep.deleteRemoved(OLD_AT_ONCE);
      this.putRight('old_removed', removed);
      if (Math.max(expired, events, validations, removed) < OLD_AT_ONCE) return;
    }
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
