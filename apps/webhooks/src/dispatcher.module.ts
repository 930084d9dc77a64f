import { BullModule, getQueueToken } from '@nestjs/bullmq';
import { type DynamicModule, Module } from '@nestjs/common';
import { type Database } from '@parley/persistence';
import {
  BullmqDeliveryQueue,
  DELIVERIES,
  QUEUE_OPTIONS,
  VALIDATIONS,
  type DeliveryQueue,
  type RedisClient,
} from '@parley/queue';
import { LOGGER, Metrics, ringRobotsBell, type Logger } from '@parley/server-kit';
import { type Queue } from 'bullmq';
import { type WebhooksConfig } from './config';
import { Dispatcher, type DispatcherParts } from './dispatcher';
import { dispatcherMetrics, type DispatcherMetrics } from './dispatcher.metrics';
import { troubleLog } from './trouble-log';

/** What is opened before Nest and closed after it. */
export interface DispatcherConnections {
  readonly database: Database;
  /** Fail-fast; carries both queues. */
  readonly producer: RedisClient;
}

/** Tests shorten times with these. */
export type DispatcherTuning = Pick<
  DispatcherParts,
  'sender' | 'nextDelay' | 'validationRetriesMs' | 'claimMs' | 'slowAfterMs' | 'clock'
>;

const DELIVERY_QUEUE = Symbol('parley.webhooks.queue');
const DISPATCHER_METRICS = Symbol('parley.webhooks.metrics');

/**
 * Puts the dispatcher together. Nest's BullMQ module makes the queues and closes them; the workers are our own, because
 * one that stopped silently has to be replaced, which the module's processors cannot.
 */
@Module({})
export class DispatcherModule {
  static forRoot(
    config: WebhooksConfig,
    { database, producer }: DispatcherConnections,
    tuning: DispatcherTuning = {},
  ): DynamicModule {
    const callRobots = (): void => void ringRobotsBell(producer).catch(() => undefined);
    const queueOptions = { ...QUEUE_OPTIONS, connection: producer };
    return {
      module: DispatcherModule,
      imports: [
        BullModule.registerQueue({ ...queueOptions, name: DELIVERIES }, { ...queueOptions, name: VALIDATIONS }),
      ],
      providers: [
        { provide: DISPATCHER_METRICS, inject: [Metrics], useFactory: dispatcherMetrics },
        {
          provide: DELIVERY_QUEUE,
          inject: [getQueueToken(DELIVERIES), getQueueToken(VALIDATIONS), DISPATCHER_METRICS, LOGGER],
          useFactory: (deliveries: Queue, validations: Queue, metrics: DispatcherMetrics, logger: Logger) =>
            openQueue({ config, producer, deliveries, validations, metrics, logger }),
        },
        {
          provide: Dispatcher,
          inject: [DELIVERY_QUEUE, DISPATCHER_METRICS, LOGGER],
          useFactory: (queue: DeliveryQueue, metrics: DispatcherMetrics, logger: Logger) =>
            new Dispatcher({ config, database, queue, metrics, logger, callRobots, ...tuning }),
        },
      ],
      exports: [Dispatcher],
    };
  }
}

interface QueueParts {
  readonly config: WebhooksConfig;
  readonly producer: RedisClient;
  readonly deliveries: Queue;
  readonly validations: Queue;
  readonly metrics: DispatcherMetrics;
  readonly logger: Logger;
}

function openQueue({ config, producer, deliveries, validations, metrics, logger }: QueueParts): DeliveryQueue {
  const trouble = troubleLog(logger);
  for (const queue of [deliveries, validations]) queue.on('error', trouble);
  const replaced = (queue: string): void => {
    metrics.workerReplaced(queue);
    logger.error({ queue }, 'a queue worker had stopped without a word and was replaced');
  };
  return new BullmqDeliveryQueue({
    redisUrl: config.REDIS_URL,
    deliveries,
    validations,
    producer,
    events: { trouble, replaced },
  });
}
