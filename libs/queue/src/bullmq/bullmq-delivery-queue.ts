import type { WebhookId } from '@parley/domain';
import type { Job, Queue } from 'bullmq';
import { deliveryJobId, readDeliveryJob, readValidationJob, validationJobId, type DeliveryJob } from '../jobs';
import type { DeliveryQueue, JobConcurrency, JobConsumer, JobHandlers, ScheduledDelivery } from '../port';
import { failFast } from './fail-fast';
import { QUEUE_PREFIX } from './queue-names';
import { connectRedis, type RedisClient } from './redis-connection';
import { WatchedWorker, type WorkerEvents } from './watched-worker';

/** What {@link BullmqDeliveryQueue} works with; whoever made these closes them afterwards. */
export interface BullmqParts {
  readonly redisUrl: string;
  /** Both made with `QUEUE_OPTIONS` over `producer`. */
  readonly deliveries: Queue;
  readonly validations: Queue;
  /** The fail-fast connection of the two queues. */
  readonly producer: RedisClient;
  /** Trouble with Redis and replaced workers; for the log. */
  readonly events: Omit<WorkerEvents, 'failed'>;
  /** See `WatchedWorkerOptions`; 30 s unless told otherwise. */
  readonly silentAfterMs?: number;
  /** See `WatchedWorkerOptions`; 8 s unless told otherwise. */
  readonly lockMs?: number;
}

const SILENT_AFTER_MS = 30_000;
/** Short, because a job run twice is harmless and one held by a dead worker is late. */
const LOCK_MS = 8_000;

/**
 * A BullMQ worker asks for one job after the other and waits for each answer; with one of them deliveries stood in the
 * queue for longer than their POST took.
 */
const DELIVERY_FETCHERS = 4;

/** The delivery queue on BullMQ. */
export class BullmqDeliveryQueue implements DeliveryQueue {
  constructor(private readonly parts: BullmqParts) {}

  async addDeliveries(deliveries: readonly ScheduledDelivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    const jobs = deliveries.map(({ job, delayMs }) => ({
      name: 'deliver',
      data: job,
      opts: { jobId: deliveryJobId(job), delay: Math.max(0, Math.ceil(delayMs)) },
    }));
    await this.command(() => this.parts.deliveries.addBulk(jobs));
  }

  async addValidation(webhookId: WebhookId, { first: lifo } = { first: false }): Promise<void> {
    const jobId = validationJobId(webhookId);
    await this.command(() => this.parts.validations.add('validate', { webhookId }, { jobId, lifo }));
  }

  async standing(jobs: readonly DeliveryJob[]): Promise<ReadonlySet<string>> {
    const ids = jobs.map(deliveryJobId);
    const standing = await this.command(() => Promise.all(ids.map((id) => this.stands(id))));
    return new Set(ids.filter((_id, index) => standing[index]));
  }

  /** The list of what is being worked on names the jobs of dead workers too; only their locks are gone. */
  private async stands(jobId: string): Promise<boolean> {
    const { deliveries, producer } = this.parts;
    const key = deliveries.toKey(jobId);
    const [[addedAt, takenAt], locked] = await Promise.all([
      producer.hmget(key, 'timestamp', 'processedOn'),
      producer.exists(`${key}:lock`),
    ]);
    const isThere = typeof addedAt === 'string';
    const isTaken = typeof takenAt === 'string';
    return isThere && (!isTaken || locked === 1);
  }

  consume(handlers: JobHandlers, concurrency: JobConcurrency): JobConsumer {
    const { redisUrl, deliveries, validations, events } = this.parts;
    const connection = connectRedis(redisUrl, 'patient', events.trouble);
    const watch = (queue: Queue, slots: number, fetchers: number, handle: (job: Job) => Promise<void>): WatchedWorker =>
      new WatchedWorker({
        queue,
        connection,
        concurrency: slots,
        fetchers,
        handle,
        events: { ...events, failed: handlers.failed },
        silentAfterMs: this.parts.silentAfterMs ?? SILENT_AFTER_MS,
        lockMs: this.parts.lockMs ?? LOCK_MS,
      });
    const workers = [
      watch(deliveries, concurrency.deliveries, DELIVERY_FETCHERS, (job) => handleDelivery(handlers, job)),
      watch(validations, concurrency.validations, 1, (job) => handleValidation(handlers, job)),
    ];
    return {
      async close() {
        await Promise.all(workers.map((worker) => worker.close()));
        connection.disconnect();
      },
    };
  }

  async healthy(): Promise<boolean> {
    return this.command(() => this.parts.producer.set(`${QUEUE_PREFIX}:written`, '1', 'PX', 60_000)).then(
      () => true,
      () => false,
    );
  }

  /** Its parts are closed by whoever made them. */
  async close(): Promise<void> {}

  private command<Value>(run: () => Promise<Value>): Promise<Value> {
    return failFast(this.parts.producer, run);
  }
}

async function handleDelivery(handlers: JobHandlers, job: Job): Promise<void> {
  const read = readDeliveryJob(job.data);
  if (read === null) throw new Error('The queue holds a delivery job that is not ours');
  await handlers.delivery(read);
}

async function handleValidation(handlers: JobHandlers, job: Job): Promise<void> {
  const read = readValidationJob(job.data);
  if (read === null) throw new Error('The queue holds a validation job that is not ours');
  await handlers.validation(read);
}
