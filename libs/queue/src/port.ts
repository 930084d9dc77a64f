import type { WebhookId } from '@parley/domain';
import type { DeliveryJob, ValidationJob } from './jobs';

/** The queue could not be reached in time. Nothing is lost by it: the rows in PostgreSQL are found again. */
export class QueueUnavailableError extends Error {
  constructor(cause: unknown) {
    super('The queue does not answer', { cause });
    this.name = 'QueueUnavailableError';
  }
}

/** A delivery job and how long it is to wait, in milliseconds. */
export interface ScheduledDelivery {
  readonly job: DeliveryJob;
  readonly delayMs: number;
}

/**
 * What is done with the jobs. A handler that throws is reported to `failed` and its job is gone: whether the work has to
 * be repeated is decided by the rows in PostgreSQL, never by the queue.
 */
export interface JobHandlers {
  delivery(job: DeliveryJob): Promise<void>;
  validation(job: ValidationJob): Promise<void>;
  failed(jobId: string, error: unknown): void;
}

/** How many jobs one process works on at once. */
export interface JobConcurrency {
  readonly deliveries: number;
  readonly validations: number;
}

/** A running consumer. */
export interface JobConsumer {
  /** Takes no further jobs from now on; resolves when the running ones are over. */
  close(): Promise<void>;
}

/**
 * An alarm clock for work whose truth stands in PostgreSQL. It may lose everything (FLUSHALL) or run a job twice; both
 * must be harmless. Every call rejects with {@link QueueUnavailableError} within about two seconds instead of hanging.
 */
export interface DeliveryQueue {
  /** Adds in the given order. A job that is there already stays as it is. */
  addDeliveries(deliveries: readonly ScheduledDelivery[]): Promise<void>;
  /**
   * Adds a handshake unless one waits or runs for that webhook.
   * @param options `first`: somebody waits for the answer, so it comes before those that wait already
   */
  addValidation(webhookId: WebhookId, options?: { readonly first: boolean }): Promise<void>;
  /**
   * Which of these are still there: waiting, delayed or with a worker that lives. A job whose worker died does not stand;
   * it may run later all the same. Answers ids as `deliveryJobId` makes them.
   */
  standing(jobs: readonly DeliveryJob[]): Promise<ReadonlySet<string>>;
  /** Starts working on jobs, each in the order it became due, several at once. */
  consume(handlers: JobHandlers, concurrency: JobConcurrency): JobConsumer;
  /** Whether the queue can be written to right now (a full Redis still answers pings). */
  healthy(): Promise<boolean>;
  /** Closes what this object opened; consumers are to be closed before. */
  close(): Promise<void>;
}
