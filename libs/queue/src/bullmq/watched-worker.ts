import { Worker, type Job, type Queue } from 'bullmq';
import { EVENT_STREAM_OPTIONS, JOB_OPTIONS, QUEUE_PREFIX } from './queue-names';
import type { RedisClient } from './redis-connection';

/** What is told about a worker; for logs and metrics. */
export interface WorkerEvents {
  /** A job's handler threw, or BullMQ gave the job up as stalled. */
  failed(jobId: string, error: unknown): void;
  /** Redis trouble. The worker goes on by itself once it is over. */
  trouble(error: Error): void;
  /** It had stopped fetching although jobs were due and was replaced. */
  replaced(queue: string): void;
}

export interface WatchedWorkerOptions {
  readonly queue: Queue;
  readonly connection: RedisClient;
  readonly concurrency: number;
  /** How many BullMQ workers share the concurrency; each fetches one job after the other. 1 unless told otherwise. */
  readonly fetchers?: number;
  readonly handle: (job: Job) => Promise<void>;
  readonly events: WorkerEvents;
  /** How long jobs may be due with nothing fetched before the worker is replaced, in milliseconds. */
  readonly silentAfterMs: number;
  /** How long a job stays with a worker that does not renew its lock, because it died, in milliseconds. */
  readonly lockMs: number;
}

/**
 * BullMQ workers that are replaced when they stop without a word. Workers have been seen to stop fetching for ever after a
 * failover while they claim to run and emit no error, so what is watched is the outcome: jobs are due, a slot is free, and
 * yet nothing is fetched.
 */
export class WatchedWorker {
  private workers: readonly Worker[];
  private active = 0;
  private lastFetchAt = performance.now();
  private readonly timer: NodeJS.Timeout;
  private looking: Promise<void> | undefined;
  private closed = false;
  /** Replaced workers whose last jobs are still under way. */
  private readonly retired = new Set<Promise<void>>();

  constructor(
    private readonly options: WatchedWorkerOptions,
    private readonly makeWorker: (handle: (job: Job) => Promise<void>, slots: number) => Worker = (handle, slots) =>
      newWorker(options, handle, slots),
  ) {
    this.workers = this.start();
    this.timer = setInterval(() => this.look(), options.silentAfterMs / 3);
    this.timer.unref();
  }

  /** Fetches nothing more; resolves when the running jobs are over. */
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.looking;
    await Promise.all([...this.workers.map((worker) => worker.close()), ...this.retired]);
  }

  private start(): Worker[] {
    this.lastFetchAt = performance.now();
    return shares(this.options).map((slots) => {
      const worker = this.makeWorker((job) => this.run(job), slots);
      worker.on('failed', (job, error) => this.options.events.failed(job?.id ?? 'unknown', error));
      worker.on('error', (error) => this.options.events.trouble(error));
      return worker;
    });
  }

  private async run(job: Job): Promise<void> {
    this.lastFetchAt = performance.now();
    this.active += 1;
    try {
      await this.options.handle(job);
    } finally {
      this.active -= 1;
    }
  }

  private look(): void {
    if (this.looking !== undefined || this.closed) return;
    this.looking = this.replaceIfSilent()
      .catch((error: unknown) => this.options.events.trouble(error instanceof Error ? error : new Error(String(error))))
      .finally(() => (this.looking = undefined));
  }

  private async replaceIfSilent(): Promise<void> {
    const { queue, concurrency, silentAfterMs } = this.options;
    const silentMs = performance.now() - this.lastFetchAt;
    const busy = this.active >= concurrency;
    if (busy || silentMs < silentAfterMs) return;
    if (!(await hasDueJobs(queue, silentAfterMs))) {
      this.lastFetchAt = performance.now();
      return;
    }
    if (this.closed) return;
    this.options.events.replaced(queue.name);
    const retiring = Promise.all(this.workers.map((worker) => worker.close(true)))
      .then(() => undefined)
      .catch((error: Error) => this.options.events.trouble(error))
      .finally(() => this.retired.delete(retiring));
    this.retired.add(retiring);
    this.workers = this.start();
  }
}

/** Jobs that wait, or whose delay was over long ago without anybody promoting them. */
async function hasDueJobs(queue: Queue, overdueMs: number): Promise<boolean> {
  if ((await queue.getWaitingCount()) > 0) return true;
  const [first] = await queue.getDelayed(0, 0);
  return first !== undefined && first.timestamp + first.delay + overdueMs < Date.now();
}

/** How many slots each of them has: all together, none of them without one. */
function shares({ concurrency, fetchers = 1 }: WatchedWorkerOptions): number[] {
  const count = Math.min(fetchers, concurrency);
  return Array.from({ length: count }, (_, index) => Math.floor((concurrency + index) / count));
}

function newWorker(options: WatchedWorkerOptions, handle: (job: Job) => Promise<void>, slots: number): Worker {
  return new Worker(options.queue.name, handle, {
    connection: options.connection,
    prefix: QUEUE_PREFIX,
    concurrency: slots,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
    lockDuration: options.lockMs,
    // A job goes back to the others at the second look after its worker died that finds no lock.
    stalledInterval: options.lockMs / 2,
    // Whether work was tried often enough is decided by the rows in PostgreSQL.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  });
}

export const QUEUE_OPTIONS = {
  prefix: QUEUE_PREFIX,
  // A queue asks for the version once: unanswered, because Redis stood still just then, it refuses everything for ever.
  skipVersionCheck: true,
  defaultJobOptions: JOB_OPTIONS,
  streams: EVENT_STREAM_OPTIONS,
} as const;
