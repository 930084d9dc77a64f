import { randomBytes } from 'node:crypto';
import { brandAs, type RegionId, type WebhookId } from '@parley/domain';
import { eventually, startPostgres, type TestPostgres } from '@parley/testing';
import { createDatabase, type Database } from '../database';
import { DeliveryStore } from './delivery.store';
import { OutboxRelayStore } from './outbox-relay.store';
import { StandingJobsStore } from './standing-jobs.store';
import { ValidationStore } from './validation.store';

const options = { jobsPerWebhook: 8, aheadMs: 10_000, doubtAfterMs: 60_000 };
const record = { startedAt: new Date(), durationMs: 5, status: 500, error: 'no', responseExcerpt: '' };
const WEBHOOK = brandAs<WebhookId>(2049);

let postgres: TestPostgres;
let database: Database;
let jobs: StandingJobsStore;
let deliveries: DeliveryStore;
let relay: OutboxRelayStore;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.close());

beforeEach(async () => {
  database = createDatabase({
    url: await postgres.createDatabase(),
    masterKeys: `k:${randomBytes(32).toString('base64')}`,
    region: { id: brandAs<RegionId>('eu-1'), number: 1 },
    poolSize: 20,
  });
  jobs = new StandingJobsStore(database.prisma);
  deliveries = new DeliveryStore(database.prisma);
  relay = new OutboxRelayStore(database.prisma);
  const { prisma } = database;
  await prisma.account.create({ data: { id: 'acc_1', slug: 'a', authId: 'a', secretSealed: 's' } });
  await prisma.domain.create({
    data: { name: 'd.example', accountId: 'acc_1', region: 'eu-1', webhookKeySealed: 's' },
  });
  await prisma.webhook.create({
    data: { id: WEBHOOK, domainName: 'd.example', type: 'url', url: 'https://r.example/', validated: true },
  });
});
afterEach(() => database.close());

/** Events of so many rooms, so many each. */
async function events(rooms: number, perRoom: number): Promise<void> {
  const data = Array.from({ length: rooms * perRoom }, (_, index) => {
    const [room, seq] = [Math.floor(index / perRoom), (index % perRoom) + 1];
    const occurredAt = new Date(Date.UTC(2026, 0, 1) + room * 60_000 + seq);
    const place = { domainName: 'd.example', roomSessionId: `rs_${room}`, roomName: `r${room}`, seq };
    return { id: `evt_${room}_${seq}`, ...place, type: 'room.created', payload: {}, occurredAt };
  });
  await database.prisma.outboxEvent.createMany({ data });
}

const relayAll = async (): Promise<number> => {
  const { events: taken } = await relay.relay(1_000);
  return taken;
};

/** Waits until so many connections stand before a lock. */
async function waiting(count: number): Promise<void> {
  const look = async (): Promise<number> => {
    const [row] = await database.prisma.$queryRaw<{ count: number }[]>`
      SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    return row?.count ?? 0;
  };
  await eventually(
    async () => (await look()) >= count,
    async () => `${count} transactions to wait; there are ${await look()}`,
  );
}

describe('the jobs of a webhook', () => {
  test('are at most eight, oldest event first, also when replicas count at once', async () => {
    await events(5, 4);
    await relayAll();
    // All are let go at once, with their transactions open; else the first is done before the last begins.
    const blocker = database.prisma.$transaction(async (tx) => {
      await tx.$executeRaw`LOCK TABLE "WebhookDelivery" IN ACCESS EXCLUSIVE MODE`;
      const racing = Array.from({ length: 6 }, () => jobs.reserve(WEBHOOK, options));
      await waiting(6);
      return { racing };
    });
    const reserved = (await Promise.all((await blocker).racing)).flat();
    expect(reserved).toHaveLength(8);
    const rows = await database.prisma.webhookDelivery.findMany({ where: { lockedUntil: { not: null } } });
    expect(rows.map(({ eventId }) => eventId).sort()).toEqual(
      ['0_1', '0_2', '0_3', '0_4', '1_1', '1_2', '1_3', '1_4'].map((name) => `evt_${name}`),
    );
    expect(await jobs.reserve(WEBHOOK, options)).toEqual([]);
  });

  test('come in the order of the events, under a new wake each time', async () => {
    await events(1, 3);
    await relayAll();
    const first = await jobs.reserve(WEBHOOK, options);
    const order = await database.prisma.webhookDelivery.findMany({
      include: { event: true },
      orderBy: { event: { seq: 'asc' } },
    });
    expect(first.map(({ deliveryId }) => deliveryId)).toEqual(order.map(({ id }) => id));
    expect(first[0]).toMatchObject({ attempt: 1, wake: 1, delayMs: 0 });
    await jobs.release(first.slice(0, 1));
    await jobs.release([{ ...first[1]!, wake: 99 }]);
    expect(await jobs.reserve(WEBHOOK, options)).toEqual([{ ...first[0], wake: 2 }]);
  });

  test('are doubted when nobody took them in time', async () => {
    await events(1, 1);
    await relayAll();
    const [job] = await jobs.reserve(WEBHOOK, { ...options, doubtAfterMs: 0 });
    expect(await jobs.doubtful(10)).toEqual([job]);
    expect(await jobs.hungry(0, 10)).toEqual([]);
    await jobs.stillStanding(job ? [job] : [], 60_000);
    expect(await jobs.doubtful(10)).toEqual([]);
  });

  test('are made ahead for retries that are due soon, not for later ones', async () => {
    await events(1, 2);
    await relayAll();
    const [soon, late] = await jobs.reserve(WEBHOOK, options);
    for (const [job, delayMs] of [
      [soon!, 5_000],
      [late!, 60_000],
    ] as const) {
      const claim = await deliveries.claim(job.deliveryId, 1, 60_000);
      await deliveries.settle(claim!, record, { kind: 'retry', delayMs });
    }
    const ahead = await jobs.reserve(WEBHOOK, options);
    expect(ahead).toMatchObject([{ deliveryId: soon?.deliveryId, attempt: 2, wake: 3 }]);
    expect(ahead[0]?.delayMs).toBeGreaterThan(1_000);
  });

  test('go to what is due now before what is due soon', async () => {
    await events(1, 2);
    await relayAll();
    const [first] = await jobs.reserve(WEBHOOK, { ...options, jobsPerWebhook: 1 });
    const claim = await deliveries.claim(first!.deliveryId, 1, 60_000);
    await deliveries.settle(claim!, record, { kind: 'retry', delayMs: 5_000 });
    const [next] = await jobs.reserve(WEBHOOK, { ...options, jobsPerWebhook: 1 });
    expect(next).toMatchObject({ attempt: 1, delayMs: 0 });
  });
});

describe('a delivery', () => {
  async function one() {
    await events(1, 1);
    await relayAll();
    return (await jobs.reserve(WEBHOOK, options))[0]!;
  }

  test('is claimed by one worker, for its own attempt only', async () => {
    const { deliveryId } = await one();
    expect(await deliveries.claim(deliveryId, 2, 60_000)).toBeNull();
    const claims = await Promise.all(Array.from({ length: 10 }, () => deliveries.claim(deliveryId, 1, 60_000)));
    expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
  });

  test('records one attempt under each number, whoever reports it', async () => {
    const { deliveryId } = await one();
    const claim = (await deliveries.claim(deliveryId, 1, 60_000))!;
    const reports = await Promise.all([1, 2, 3].map(() => deliveries.settle(claim, record, { kind: 'delivered' })));
    expect(reports.filter(Boolean)).toHaveLength(1);
    expect(await database.prisma.webhookAttempt.count()).toBe(1);
    expect(await deliveries.claim(deliveryId, 2, 60_000)).toBeNull();
  });

  test('whose worker died is taken back without counting the attempt, and the dead cannot speak any more', async () => {
    const { deliveryId } = await one();
    const dead = (await deliveries.claim(deliveryId, 1, 0))!;
    expect(await jobs.takeBackAbandoned()).toBe(1);
    const alive = (await deliveries.claim(deliveryId, 1, 60_000))!;
    expect(alive.attempt).toBe(1);
    expect(await deliveries.settle(dead, record, { kind: 'exhausted' })).toBe(false);
    await deliveries.giveBack(dead);
    expect(await deliveries.settle(alive, record, { kind: 'delivered' })).toBe(true);
  });

  test('stays with its worker for as long as that renews its claim, and not when it was taken back', async () => {
    const { deliveryId } = await one();
    const claim = (await deliveries.claim(deliveryId, 1, 60_000))!;
    expect(await deliveries.renew([claim, { ...claim, token: claim.token - 1 }], 0)).toEqual(new Set([deliveryId]));
    expect(await jobs.takeBackAbandoned()).toBe(1);
    expect(await deliveries.renew([claim], 60_000)).toEqual(new Set());
    const other = (await deliveries.claim(deliveryId, 1, 60_000))!;
    expect(await deliveries.renew([claim], 60_000)).toEqual(new Set());
    expect(await deliveries.renew([other], 60_000)).toEqual(new Set([deliveryId]));
    expect(await jobs.takeBackAbandoned()).toBe(0);
  });

  test('counts in the backlog until it is done', async () => {
    const { deliveryId } = await one();
    expect(await jobs.backlog()).toMatchObject({ unfinished: 1, unrelayed: 0 });
    await deliveries.settle((await deliveries.claim(deliveryId, 1, 60_000))!, record, { kind: 'exhausted' });
    expect(await jobs.backlog()).toEqual({ unfinished: 0, oldestDueSeconds: 0, unrelayed: 0 });
  });
});

describe('a handshake', () => {
  test('is claimed by one worker and can be claimed again when that one died', async () => {
    const validations = new ValidationStore(database.prisma);
    expect(await validations.claim(WEBHOOK, 60_000)).toBeNull();
    await database.stores.webhooks.requestValidation(WEBHOOK, new Date());
    expect(await validations.due(10)).toEqual([WEBHOOK]);
    const claims = await Promise.all(Array.from({ length: 5 }, () => validations.claim(WEBHOOK, 0)));
    expect(claims.filter((claim) => claim !== null).length).toBeGreaterThanOrEqual(1);
    const claim = (await validations.claim(WEBHOOK, 60_000))!;
    expect(await validations.claim(WEBHOOK, 60_000)).toBeNull();
    expect(await validations.due(10)).toEqual([]);
    expect(await validations.settle({ ...claim, token: 1n }, { kind: 'passed' })).toBe(false);
    expect(await validations.settle(claim, { kind: 'passed' })).toBe(true);
    expect(await validations.due(10)).toEqual([]);
  });
});
