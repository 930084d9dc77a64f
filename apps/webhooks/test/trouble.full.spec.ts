import { brandAs, type DeliveryId, type WebhookId } from '@parley/domain';
import { DeliveryStore, OutboxRelayStore, StandingJobsStore } from '@parley/persistence';
import { connectRedis, DELIVERIES, openDeliveryQueue, QUEUE_OPTIONS } from '@parley/queue';
import { eventually } from '@parley/testing';
import { Worker } from 'bullmq';
import { fetch } from 'undici';
import { LOSES_JOBS, useWorld } from './world';

const world = useWorld();
const soon = { nextDelay: (attempts: number) => (attempts < 30 ? 20 : null) };
const EVENTS = 40;

async function openRooms(
  domain: Awaited<ReturnType<ReturnType<typeof world>['domain']>>,
  count: number,
): Promise<void> {
  for (let index = 0; index < count; index += 1) await world().openRoom(domain, `room-${index}`);
}

/** As a dispatcher does that is killed between fetching a webhook's only job and claiming its delivery. */
async function fetchAndDie(webhook: WebhookId): Promise<void> {
  const { database, redis } = world();
  const quiet = { trouble: () => undefined, replaced: () => undefined };
  const queue = openDeliveryQueue({ redisUrl: redis.url, events: quiet });
  await eventually(() => queue.healthy(), 'the queue to answer');
  await new OutboxRelayStore(database.prisma).relay(100);
  const jobs = new StandingJobsStore(database.prisma);
  const options = { atOnce: 1, perSecond: 50, horizonMs: 0, doubtAfterMs: 0 };
  const { jobs: reserved } = await jobs.reserve([webhook], options);
  await queue.addDeliveries(reserved.map((job) => ({ job, delayMs: 0 })));
  const connection = connectRedis(redis.url, 'patient', () => undefined);
  const worker = new Worker(DELIVERIES, null, { connection, prefix: QUEUE_OPTIONS.prefix, lockDuration: 1_000 });
  expect(await worker.getNextJob('token')).toBeDefined();
  await worker.close();
  connection.disconnect();
  await queue.close();
}

describe('trouble', () => {
  test('a Redis that loses everything loses no delivery', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    receiver.answer({ delayMs: 20 });
    await openRooms(domain, EVENTS);
    await world().dispatcher({ ...LOSES_JOBS, WEBHOOKS_DELIVERIES_AT_ONCE: '2' });
    for (const seen of [5, 15, 25]) {
      await receiver.waitFor(seen);
      await world().redisClient.flushall();
    }
    await world().waitForDeliveries(id, 'delivered', EVENTS, 60_000);
    // Nobody died, so nothing is told twice.
    expect(receiver.requests).toHaveLength(EVENTS);
  });

  test('a Redis that is away and comes back empty loses no delivery', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    const service = await world().dispatcher(LOSES_JOBS);
    await world().redis.kill();
    await eventually(
      async () => (await fetch(`${service.url}/health/ready`)).status === 503,
      'readiness to be withdrawn',
      20_000,
    );
    expect((await fetch(`${service.url}/health/live`)).status).toBe(200);
    await openRooms(domain, 3);
    await world().redis.restart();
    await world().waitForDeliveries(id, 'delivered', 3, 40_000);
    await eventually(async () => (await fetch(`${service.url}/health/ready`)).status === 200, 'readiness', 20_000);
  });

  test('a worker that was killed in the middle is replaced when its claim lapses', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    await world().database.prisma.webhook.update({ where: { id }, data: { validated: false } });
    await world().openRoom(domain, 'orphan');
    await world().database.prisma.webhook.update({ where: { id }, data: { validated: true } });
    const event = await world().database.prisma.outboxEvent.findFirstOrThrow({ where: { domainName: domain } });
    await world().database.prisma.webhookDelivery.create({
      data: { id: 'dlv_orphan', eventId: event.id, webhookId: id, wake: 1, lockedUntil: new Date() },
    });
    const dead = new DeliveryStore(world().database.prisma);
    const job = { deliveryId: brandAs<DeliveryId>('dlv_orphan'), attempt: 1, wake: 1 };
    const [claim] = await dead.claim([job], 500);
    if (claim === undefined) throw new Error('the delivery was not claimed');

    await world().dispatcher();
    await world().waitForDeliveries(id, 'delivered', 1);
    const [delivery] = await world().deliveries(id);
    expect(delivery?.tries.map(({ number }) => number)).toEqual([1]);
    expect(receiver.requests).toHaveLength(1);
    // Had it only been slow, its late result would not count any more.
    const late = { startedAt: new Date(), durationMs: 1, status: 500, error: 'late', responseExcerpt: null };
    const record = { ...late, outcome: 'failed' } as const;
    expect(await dead.settle([{ claim, record, verdict: { kind: 'exhausted' } }])).toEqual(new Set());
    expect((await world().deliveries(id))[0]?.state).toBe('delivered');
  });

  test('a worker that was killed with a job it had not even begun is replaced when its lock lapses', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    await world().openRoom(domain, 'unbegun');
    await fetchAndDie(id);
    await world().dispatcher();
    await world().waitForDeliveries(id, 'delivered', 1);
    expect(receiver.requests).toHaveLength(1);
  });

  test('a delivery that lasts longer than a claim stays with its worker', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    let answer = (): void => undefined;
    receiver.answer(() => new Promise((resolve) => (answer = () => resolve({}))));
    // It is renewed when six seconds of it are left at least.
    const short = { claimMs: 12_000 };
    await Promise.all([world().dispatcher({}, short), world().dispatcher({}, short)]);
    await world().openRoom(domain, 'slow');
    await receiver.waitFor(1);
    const until = async () => (await world().deliveries(id))[0]?.lockedUntil ?? new Date(Infinity);
    const first = await until();
    await eventually(
      async () => new Date() > first && (await until()) > first,
      () => `the claim to go on after ${String(first)}`,
      60_000,
    );
    answer();
    await world().waitForDeliveries(id, 'delivered', 1);
    expect(receiver.requests).toHaveLength(1);
  });

  test('a dispatcher that ends gives back what is under way, and the attempt does not count', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    receiver.answer({ failure: 'hang' });
    const first = await world().dispatcher();
    await world().openRoom(domain, 'handed-over');
    await receiver.waitFor(1);
    receiver.answer({ status: 200 });
    await first.close();
    await world().dispatcher();
    await world().waitForDeliveries(id, 'delivered', 1);
    expect((await world().deliveries(id))[0]?.tries.map(({ number }) => number)).toEqual([1]);
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  test('a receiver that does not answer in time is tried again', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    receiver.answer(() => (receiver.requests.length === 1 ? { failure: 'hang' } : {}));
    await world().dispatcher({ WEBHOOKS_DELIVERY_DEADLINE_MS: '200' }, soon);
    await world().openRoom(domain, 'slow');
    await world().waitForDeliveries(id, 'delivered', 1);
    const tries = (await world().deliveries(id))[0]?.tries.map(({ error }) => error);
    // On a busy machine even a quick answer may come too late, so there may be more than two.
    expect([tries?.[0], tries?.at(-1)]).toEqual(['The receiver did not answer in time.', null]);
  });

  test('a redirect is a failure and is not followed', async () => {
    const inside = await world().receiver();
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    receiver.answer({ status: 307, headers: { location: inside.url } });
    await world().dispatcher({}, { nextDelay: () => null });
    await world().openRoom(domain, 'away');
    await world().waitForDeliveries(id, 'failed', 1);
    expect((await world().deliveries(id))[0]?.tries[0]).toMatchObject({
      status: 307,
      error: 'Status 307: redirects are not followed.',
    });
    expect(inside.requests).toHaveLength(0);
  });

  test.each(['http', 'https'])('%s to this machine is refused to an ordinary domain', async (scheme) => {
    const receiver = await world().receiver();
    const domain = await world().domain({ insecure: false });
    const id = await world().webhook(domain, `${scheme}://127.0.0.1:${receiver.port}/`);
    await world().dispatcher({ WEBHOOKS_EXTRA_PORTS: String(receiver.port) }, { nextDelay: () => null });
    await world().openRoom(domain, 'inside');
    await world().waitForDeliveries(id, 'failed', 1);
    expect((await world().deliveries(id))[0]?.tries[0]?.error).toMatch(/public internet|Only https/);
    expect(receiver.requests).toHaveLength(0);
  });

  test('every event is accounted for: two dispatchers, moody receivers, a flushed Redis', async () => {
    const domain = await world().domain();
    const receivers = await Promise.all([world().receiver(), world().receiver(), world().receiver()]);
    const succeeded: string[] = [];
    for (const receiver of receivers) {
      receiver.answer((request) => {
        const moody = receiver.requests.length % 3 === 0;
        if (!moody) succeeded.push(request.headers['webhook-id'] ?? '');
        return moody ? { status: 500 } : {};
      });
    }
    const webhooks = await Promise.all(receivers.map((receiver) => world().webhook(domain, receiver.url)));
    await Promise.all([world().dispatcher(LOSES_JOBS, soon), world().dispatcher(LOSES_JOBS, soon)]);
    await openRooms(domain, EVENTS / 2);
    await world().redisClient.flushall();
    for (let index = 0; index < EVENTS / 2; index += 1) await world().openRoom(domain, `late-${index}`);
    for (const webhook of webhooks) await world().waitForDeliveries(webhook, 'delivered', EVENTS, 60_000);

    const expected = (await Promise.all(webhooks.map((webhook) => world().deliveries(webhook)))).flat();
    expect(expected).toHaveLength(3 * EVENTS);
    expect(succeeded.sort()).toEqual(expected.map(({ id }) => id).sort());
  });
});
