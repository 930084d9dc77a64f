import type { WebhookId } from '@parley/domain';
import { deliveryJobId, validationJobId, type DeliveryJob } from './jobs';
import {
  QueueUnavailableError,
  type DeliveryQueue,
  type JobConcurrency,
  type JobConsumer,
  type JobHandlers,
  type ScheduledDelivery,
} from './port';

interface Entry {
  readonly id: string;
  readonly lane: keyof JobConcurrency;
  readonly run: (handlers: JobHandlers) => Promise<void>;
  /** Before those that came earlier. */
  readonly first?: boolean;
  state: 'delayed' | 'waiting' | 'active';
  timer?: NodeJS.Timeout;
}

/** The queue of one process, for tests of what stands around it. Behaves as the real one, except that it is never slow. */
export class MemoryDeliveryQueue implements DeliveryQueue {
  private readonly entries = new Map<string, Entry>();
  private readonly consumers = new Set<MemoryConsumer>();
  /** Fault switch: while true every call is refused, as with a Redis that is away. */
  unreachable = false;

  async addDeliveries(deliveries: readonly ScheduledDelivery[]): Promise<void> {
    this.assertReachable();
    for (const { job, delayMs } of deliveries) {
      this.add(
        { id: deliveryJobId(job), lane: 'deliveries', run: (to) => to.delivery(job), state: 'waiting' },
        delayMs,
      );
    }
  }

  async addValidation(webhookId: WebhookId, { first } = { first: false }): Promise<void> {
    this.assertReachable();
    const run = (to: JobHandlers): Promise<void> => to.validation({ webhookId });
    this.add({ id: validationJobId(webhookId), lane: 'validations', run, first, state: 'waiting' }, 0);
  }

  async standing(jobs: readonly DeliveryJob[]): Promise<ReadonlySet<string>> {
    this.assertReachable();
    return new Set(jobs.map(deliveryJobId).filter((id) => this.entries.has(id)));
  }

  consume(handlers: JobHandlers, concurrency: JobConcurrency): JobConsumer {
    const consumer = new MemoryConsumer(handlers, concurrency, this.entries, () => this.consumers.delete(consumer));
    this.consumers.add(consumer);
    consumer.pull();
    return consumer;
  }

  /** Loses every job, as FLUSHALL does. Jobs being worked on go on. */
  flush(): void {
    for (const entry of this.entries.values()) clearTimeout(entry.timer);
    this.entries.clear();
  }

  async healthy(): Promise<boolean> {
    return !this.unreachable;
  }

  async close(): Promise<void> {
    this.flush();
  }

  private add(entry: Entry, delayMs: number): void {
    if (this.entries.has(entry.id)) return;
    this.entries.set(entry.id, entry);
    if (delayMs > 0) {
      entry.state = 'delayed';
      entry.timer = setTimeout(() => this.wake(entry), delayMs);
    } else this.wake(entry);
  }

  private wake(entry: Entry): void {
    entry.state = 'waiting';
    for (const consumer of this.consumers) consumer.pull();
  }

  private assertReachable(): void {
    if (this.unreachable) throw new QueueUnavailableError(new Error('switched off'));
  }
}

class MemoryConsumer implements JobConsumer {
  private readonly running = new Map<Promise<void>, keyof JobConcurrency>();
  private closed = false;

  constructor(
    private readonly handlers: JobHandlers,
    private readonly concurrency: JobConcurrency,
    private readonly entries: Map<string, Entry>,
    private readonly onClosed: () => void,
  ) {}

  pull(): void {
    const entries = [...this.entries.values()];
    for (const entry of [...entries.filter(({ first }) => first), ...entries.filter(({ first }) => !first)]) {
      if (this.closed) return;
      if (entry.state === 'waiting' && this.hasRoom(entry.lane)) this.start(entry);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.onClosed();
    await Promise.all(this.running.keys());
  }

  private hasRoom(lane: keyof JobConcurrency): boolean {
    return [...this.running.values()].filter((busy) => busy === lane).length < this.concurrency[lane];
  }

  private start(entry: Entry): void {
    entry.state = 'active';
    const work = this.work(entry).then(() => {
      this.running.delete(work);
      this.pull();
    });
    this.running.set(work, entry.lane);
  }

  private async work(entry: Entry): Promise<void> {
    try {
      await entry.run(this.handlers);
    } catch (error) {
      this.handlers.failed(entry.id, error);
    } finally {
      if (this.entries.get(entry.id) === entry) this.entries.delete(entry.id);
    }
  }
}
