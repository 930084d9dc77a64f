import { brandAs, type DeliveryId, type WebhookId } from '@parley/domain';
import { eventually, startRedis, startRedisCluster, type TestRedis } from '@parley/testing';
import { Queue, Worker, type Job } from 'bullmq';
import { Redis } from 'ioredis';
import {
  connectRedis,
  createValidationQueue,
  DELIVERIES,
  openDeliveryQueue,
  QUEUE_OPTIONS,
  QueueUnavailableError,
  type DeliveryQueue,
} from '../src';
import { WatchedWorker } from '../src/bullmq/watched-worker';
import { deliveryQueueConformance } from './delivery-queue.conformance';

const quiet = { trouble: () => undefined, replaced: () => undefined };
const job = { deliveryId: brandAs<DeliveryId>('dlv_x'), attempt: 1, wake: 1 };

describe('BullMQ on one Redis', () => {
  let redis: TestRedis;
  let queue: DeliveryQueue;
  beforeAll(async () => {
    redis = await startRedis();
    queue = openDeliveryQueue({ redisUrl: redis.url, events: quiet });
  });
  afterAll(async () => {
    await queue.close();
    await redis.close();
  });

  deliveryQueueConformance(async () => ({
    queue,
    open: () => openDeliveryQueue({ redisUrl: redis.url, events: quiet }),
    flush: () => onRedis(redis.url, async (client) => void (await client.flushall())),
  }));

  test('leaves ids alone in Redis, under one hash tag', async () => {
    await queue.addDeliveries([{ job, delayMs: 60_000 }]);
    const keys = await onRedis(redis.url, (client) => client.keys('*'));
    expect(keys.filter((key) => !key.startsWith('{parley}:'))).toEqual([]);
    const data = await onRedis(redis.url, (client) => client.hget('{parley}:deliveries:dlv_x_1_1', 'data'));
    expect(JSON.parse(data ?? 'null')).toEqual(job);
  });
});

describe('BullMQ on a Redis cluster of three nodes', () => {
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>;
  let queue: DeliveryQueue;
  beforeAll(async () => {
    cluster = await startRedisCluster();
    queue = openDeliveryQueue({ redisUrl: cluster.urls.join(','), events: quiet });
  });
  afterAll(async () => {
    await queue.close();
    await cluster.close();
  });

  deliveryQueueConformance(async () => ({
    queue,
    open: () => openDeliveryQueue({ redisUrl: cluster.urls.join(','), events: quiet }),
    flush: async () => {
      for (const url of cluster.urls) await onRedis(url, async (client) => void (await client.flushall()));
    },
  }));
});

describe('without Redis', () => {
  test('producers are refused quickly, and work again once it is back', async () => {
    const redis = await startRedis();
    const validations = createValidationQueue({ redisUrl: redis.url });
    const webhook = brandAs<WebhookId>(5);
    await eventually(() => validations.request(webhook).then(() => true), 'the first request to pass');
    await redis.kill();
    const startedAt = performance.now();
    await expect(validations.request(webhook)).rejects.toThrow(QueueUnavailableError);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    await redis.restart();
    await eventually(() => validations.request(webhook).then(() => true), 'a request to pass after the restart');
    await validations.close();
    await redis.close();
  });
});

describe('a worker that dies between fetching a job and doing anything', () => {
  test('keeps it for as long as its lock lives, then another does it', async () => {
    const redis = await startRedis();
    // Who takes it over looks for such jobs every half of this.
    const queue = openDeliveryQueue({ redisUrl: redis.url, events: quiet, lockMs: 2_000 });
    await eventually(() => queue.healthy(), 'the queue to answer');
    await queue.addDeliveries([{ job, delayMs: 0 }]);
    const connection = connectRedis(redis.url, 'patient', () => undefined);
    const dead = new Worker(DELIVERIES, null, { connection, prefix: QUEUE_OPTIONS.prefix, lockDuration: 60_000 });
    expect((await dead.getNextJob('token'))?.id).toBe('dlv_x_1_1');
    expect([...(await queue.standing([job]))]).toEqual(['dlv_x_1_1']);
    // Its lock lapses.
    expect(await onRedis(redis.url, (client) => client.pexpire('{parley}:deliveries:dlv_x_1_1:lock', 1))).toBe(1);
    await eventually(async () => (await queue.standing([job])).size === 0, 'the job not to stand any more');

    const done: string[] = [];
    const delivery = async ({ deliveryId }: { deliveryId: string }) => void done.push(deliveryId);
    const consumer = queue.consume(
      { delivery, validation: async () => undefined, failed: (id, error) => void done.push(`${id} ${String(error)}`) },
      { deliveries: 1, validations: 1 },
    );
    await eventually(() => done.length > 0, 'the job to be done');
    // Once, unless that one stands still for so long as well.
    expect(new Set(done)).toEqual(new Set(['dlv_x']));
    await consumer.close();
    await dead.close();
    await queue.close();
    connection.disconnect();
    await redis.close();
  });
});

describe('a worker that stops without a word', () => {
  test('is replaced once jobs are due and nobody fetches them', async () => {
    const redis = await startRedis();
    const connection = connectRedis(redis.url, 'patient', () => undefined);
    const queue = new Queue(DELIVERIES, { ...QUEUE_OPTIONS, connection });
    const replaced: string[] = [];
    const done: (string | undefined)[] = [];
    const makers = [stoppedWorker, goodWorker];
    const watched = new WatchedWorker(
      {
        queue,
        connection,
        concurrency: 1,
        handle: async (each) => void done.push(each.id),
        events: { trouble: () => undefined, failed: () => undefined, replaced: (name) => void replaced.push(name) },
        silentAfterMs: 1_500,
        lockMs: 8_000,
      },
      (handle) => (makers.shift() ?? goodWorker)(connection, handle),
    );
    await queue.add('deliver', {}, { jobId: 'dlv_stuck_1_1' });
    await eventually(
      () => done.length > 0,
      () => `the job to be done; replaced so far: ${replaced.join()}`,
    );
    expect(done).toEqual(['dlv_stuck_1_1']);
    // A good one that stood still for as long is taken for another one that stopped.
    expect(new Set(replaced)).toEqual(new Set([DELIVERIES]));
    await watched.close();
    await queue.close();
    connection.disconnect();
    await redis.close();
  });
});

type Handle = (job: Job) => Promise<void>;
type Connection = ReturnType<typeof connectRedis>;
const goodWorker = (connection: Connection, handle: Handle): Worker =>
  new Worker(DELIVERIES, handle, { connection, prefix: QUEUE_OPTIONS.prefix });
const stoppedWorker = (connection: Connection, handle: Handle): Worker =>
  new Worker(DELIVERIES, handle, { connection, prefix: QUEUE_OPTIONS.prefix, autorun: false });

async function onRedis<Value>(url: string, run: (client: Redis) => Promise<Value>): Promise<Value> {
  const client = new Redis(url);
  try {
    return await run(client);
  } finally {
    client.disconnect();
  }
}
