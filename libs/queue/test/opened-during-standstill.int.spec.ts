import { brandAs, type DeliveryId } from '@parley/domain';
import { eventually, startRedis } from '@parley/testing';
import { Queue } from 'bullmq';
import {
  BullmqDeliveryQueue,
  connectRedis,
  DELIVERIES,
  QUEUE_OPTIONS,
  QueueUnavailableError,
  VALIDATIONS,
} from '../src';

test('a queue whose Redis stood still when it was opened works as soon as that goes on', async () => {
  const redis = await startRedis();
  const trouble: string[] = [];
  const note = (error: Error) => void trouble.push(error.message);
  const producer = connectRedis(redis.url, 'fail-fast', note);
  // Before the queues learn that they are connected.
  const stopped = new Promise<void>((resolve) => {
    producer.once('ready', () => {
      process.kill(redis.pid, 'SIGSTOP');
      resolve();
    });
  });
  const open = (name: string) => new Queue(name, { ...QUEUE_OPTIONS, connection: producer }).on('error', note);
  const [deliveries, validations] = [open(DELIVERIES), open(VALIDATIONS)];
  const events = { trouble: note, replaced: () => undefined };
  const queue = new BullmqDeliveryQueue({ redisUrl: redis.url, deliveries, validations, producer, events });
  const add = () =>
    queue.addDeliveries([{ job: { deliveryId: brandAs<DeliveryId>('dlv_x'), attempt: 1, wake: 1 }, delayMs: 60_000 }]);
  try {
    await stopped;
    // The second one outlasts whatever was asked when it was opened.
    for (const _try of [1, 2]) await expect(add()).rejects.toThrow(QueueUnavailableError);
    process.kill(redis.pid, 'SIGCONT');
    await eventually(
      () => add().then(() => true),
      () => `a job to be taken; it says ${trouble.join(', ')}`,
    );
  } finally {
    process.kill(redis.pid, 'SIGCONT');
    producer.disconnect();
    await Promise.allSettled([deliveries.close(), validations.close()]);
    await redis.close();
  }
});
