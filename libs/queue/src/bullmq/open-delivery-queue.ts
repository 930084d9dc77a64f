import { Queue } from 'bullmq';
import type { DeliveryQueue } from '../port';
import { BullmqDeliveryQueue } from './bullmq-delivery-queue';
import { DELIVERIES, VALIDATIONS } from './queue-names';
import { connectRedis } from './redis-connection';
import { QUEUE_OPTIONS, type WorkerEvents } from './watched-worker';

export interface OpenQueueOptions {
  /** One URL, or several separated by commas: the nodes of a cluster. */
  readonly redisUrl: string;
  /** Trouble with Redis and replaced workers; for the log. */
  readonly events: Omit<WorkerEvents, 'failed'>;
  /** How long jobs may be due with nothing fetched before a worker is replaced, in milliseconds; 30 000 by default. */
  readonly silentAfterMs?: number;
  /** How long a job stays with a worker that died, in milliseconds; 8 000 by default. */
  readonly lockMs?: number;
}

/** Opens the queue with connections of its own; `close()` ends them. */
export function openDeliveryQueue(options: OpenQueueOptions): DeliveryQueue {
  const producer = connectRedis(options.redisUrl, 'fail-fast', options.events.trouble);
  const open = (name: string): Queue => {
    const queue = new Queue(name, { ...QUEUE_OPTIONS, connection: producer });
    queue.on('error', options.events.trouble);
    return queue;
  };
  const queues = { deliveries: open(DELIVERIES), validations: open(VALIDATIONS) };
  return new OpenedDeliveryQueue({ ...options, ...queues, producer });
}

class OpenedDeliveryQueue extends BullmqDeliveryQueue {
  constructor(private readonly own: ConstructorParameters<typeof BullmqDeliveryQueue>[0]) {
    super(own);
  }

  override async close(): Promise<void> {
    this.own.producer.disconnect();
    await Promise.allSettled([this.own.deliveries.close(), this.own.validations.close()]);
  }
}
