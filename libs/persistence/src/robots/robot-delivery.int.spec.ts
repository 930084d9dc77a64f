import { brandAs, MAX_ATTEMPTS, type RobotId, type SessionId, type WebhookId } from '@parley/domain';
import { DOMAIN, useTenantDatabase } from '../../test/delivery-world';
import type { Database } from '../database';
import { HEADS_SEEN } from '../delivery/handing-out.sql';
import { DeliveryUpkeepStore } from '../delivery/upkeep.store';
import { RobotDeliveryStore, type HandedDelivery, type WaitingWebhook } from './robot-delivery.store';

const ACK_MS = 30_000;
const ROBOT = brandAs<RobotId>(1025);
const OTHER = brandAs<RobotId>(2049);
const WEBHOOK = brandAs<WebhookId>(1025);
const [one, two] = [brandAs<SessionId>('session-one'), brandAs<SessionId>('session-two')];
const unordered: WaitingWebhook = { id: WEBHOOK, robot: ROBOT, fifo: false };
const fifo: WaitingWebhook = { ...unordered, fifo: true };
const places = (session: SessionId, count: number): SessionId[] => Array<SessionId>(count).fill(session);
const names = (handed: readonly HandedDelivery[]) => handed.map(({ event }) => event.id);

const databaseOf = useTenantDatabase(DOMAIN);
let database: Database;
let store: RobotDeliveryStore;

beforeEach(async () => {
  database = databaseOf();
  store = new RobotDeliveryStore(database.prisma, ACK_MS);
  const base = { domainName: DOMAIN, type: 'robot' as const, validated: true };
  await database.prisma.webhook.createMany({
    data: [
      { ...base, id: BigInt(WEBHOOK), robotId: BigInt(ROBOT) },
      { ...base, id: 5_000n, robotId: BigInt(OTHER) },
      { ...base, id: 6_000n, type: 'url', url: 'https://r.example/' },
    ],
  });
});

/** Events of so many rooms, so many each, in turns: `evt_<room>_<number>`. Written latest first. */
async function deliveries(rooms: number, perRoom: number, webhook = BigInt(WEBHOOK)): Promise<void> {
  const { prisma } = database;
  const all = Array.from({ length: rooms * perRoom }, (_unused, index) => {
    const [seq, room] = [Math.floor(index / rooms) + 1, index % rooms];
    return { id: `evt_${webhook}_${room}_${seq}`, roomName: `r${room}`, seq, position: BigInt(index + 1), room };
  }).reverse();
  await prisma.outboxEvent.createMany({
    data: all.map(({ id, roomName, seq, room }) => ({
      id,
      roomName,
      seq,
      roomSessionId: `rs_${webhook}_${room}`,
      domainName: DOMAIN,
      type: 'room.removed',
      payload: {},
      occurredAt: new Date(),
    })),
  });
  await prisma.webhookDelivery.createMany({
    data: all.map(({ id, roomName, position }) => ({
      id: `dlv_${id}`,
      eventId: id,
      webhookId: webhook,
      roomName,
      position,
      nextAttemptAt: new Date(0),
    })),
  });
}

const rowOf = (id: string) =>
  database.prisma.webhookDelivery.findUniqueOrThrow({ where: { id }, include: { tries: true } });
/** Lets so much of the time of everything that is under way pass. */
const pass = (ms: number) =>
  database.prisma
    .$executeRaw`UPDATE "WebhookDelivery" SET "lockedUntil" = "lockedUntil" - ${ms}::int * interval '1 ms'`;

test('deliveries go, in order, to the sessions that have a place, each to one', async () => {
  await deliveries(1, 6);
  expect(await store.waiting([ROBOT, OTHER])).toEqual([unordered]);
  expect(await store.hand(unordered, [])).toEqual([]);
  const handed = await store.hand(unordered, [one, two, one]);
  expect(handed.map(({ event, session }) => [event.id, session])).toEqual([
    ['evt_1025_0_1', one],
    ['evt_1025_0_2', two],
    ['evt_1025_0_3', one],
  ]);
  expect(handed[0]).toMatchObject({ webhookId: WEBHOOK, event: { domain: 'd.example', roomName: 'r0', seq: 1 } });
  expect(await store.unacknowledged([one, two, brandAs<SessionId>('none')])).toEqual(
    new Map([
      [one, 2],
      [two, 1],
    ]),
  );
  expect(await rowOf('dlv_evt_1025_0_1')).toMatchObject({ state: 'sending', attempts: 0, tries: [] });
});

test('of many replicas that hand out at once, each delivery comes from one', async () => {
  await deliveries(5, 20);
  const rounds = await Promise.all(Array.from({ length: 8 }, () => store.hand(unordered, places(one, 30))));
  const all = rounds.flatMap(names);
  const rest = names(await store.hand(unordered, places(two, 100)));
  expect(new Set([...all, ...rest]).size).toBe(100);
  expect([...all, ...rest]).toHaveLength(100);
});

test('fifo: of ever so many rooms a part is looked at at a time, and every one has its turn', async () => {
  await deliveries(HEADS_SEEN.robot + 200, 1);
  const first = await store.hand(fifo, places(one, HEADS_SEEN.robot + 100));
  expect(first).toHaveLength(HEADS_SEEN.robot);
  expect(await store.hand(fifo, places(one, 1))).toEqual([]);
  await database.prisma.webhookDelivery.updateMany({ where: { heldBy: one }, data: { state: 'delivered' } });
  const rest = await store.hand(fifo, places(two, HEADS_SEEN.robot));
  expect(new Set(names([...first, ...rest])).size).toBe(HEADS_SEEN.robot + 200);
});

test('fifo: of each room only the first unfinished one, whoever asks, and what lapsed comes before what is next', async () => {
  await deliveries(3, 3);
  await database.prisma.webhook.update({ where: { id: BigInt(WEBHOOK) }, data: { order: 'fifo' } });
  expect(await store.waiting([ROBOT])).toEqual([fifo]);
  const rounds = await Promise.all([one, two, one, two].map((session) => store.hand(fifo, places(session, 9))));
  expect(rounds.flatMap(names).sort()).toEqual(['evt_1025_0_1', 'evt_1025_1_1', 'evt_1025_2_1']);
  expect(await store.acknowledge(ROBOT, 'dlv_evt_1025_1_1')).toBe('done');
  expect(names(await store.hand(fifo, places(one, 9)))).toEqual(['evt_1025_1_2']);
  await pass(ACK_MS);
  await store.lapse(10);
  expect(names(await store.hand(fifo, places(one, 9)))).toEqual(['evt_1025_0_1', 'evt_1025_2_1', 'evt_1025_1_2']);
});

test('an acknowledgement settles, once; late ones count, those of others do not', async () => {
  await deliveries(1, 3);
  await deliveries(1, 1, 5_000n);
  await deliveries(1, 1, 6_000n);
  await store.hand(unordered, places(one, 2));
  const mine = 'dlv_evt_1025_0_1';
  for (const foreign of [
    'dlv_evt_5000_0_1',
    'dlv_evt_6000_0_1',
    'dlv_evt_1025_0_3',
    'no',
    '',
    'a\u0000b',
    "'",
    'x'.repeat(5_000),
  ]) {
    expect([foreign, await store.acknowledge(ROBOT, foreign)]).toEqual([foreign, 'unknown']);
  }
  expect(await store.acknowledge(OTHER, mine)).toBe('unknown');
  const all = await Promise.all([1, 2, 3].map(() => store.acknowledge(ROBOT, mine)));
  expect(all).toEqual(['done', 'done', 'done']);
  const row = await rowOf(mine);
  expect(row).toMatchObject({ state: 'delivered', attempts: 1, lockedUntil: null, nextAttemptAt: null });
  expect(row.tries).toMatchObject([{ number: 1, outcome: 'delivered', status: null, error: null }]);
  expect(row.finishedAt).not.toBeNull();

  // The second one is late.
  const late = 'dlv_evt_1025_0_2';
  await pass(ACK_MS);
  expect(await store.lapse(10)).toBe(1);
  expect(await rowOf(late)).toMatchObject({
    state: 'pending',
    tries: [{ outcome: 'timeout', error: expect.stringContaining('30 s') as unknown }],
  });
  expect(await store.acknowledge(ROBOT, late)).toBe('done');
  const { state, attempts, tries } = await rowOf(late);
  expect({ state, attempts, tries: tries.length, outcome: tries[0]?.outcome, error: tries[0]?.error }).toEqual({
    state: 'delivered',
    attempts: 1,
    tries: 1,
    outcome: 'delivered',
    error: null,
  });
  expect(tries[0]?.durationMs).toBeGreaterThanOrEqual(ACK_MS);
});

test('one that seemed not to have left the house and is acknowledged has arrived after all', async () => {
  await deliveries(1, 1);
  const [handed] = await store.hand(unordered, [one]);
  await store.takeBack(handed!);
  expect(await store.acknowledge(ROBOT, handed!.id)).toBe('done');
  expect(await rowOf(handed!.id)).toMatchObject({
    state: 'delivered',
    attempts: 1,
    tries: [{ number: 1, outcome: 'delivered', error: null }],
  });
});

test('what one session was handed may be acknowledged by another, also after it was handed over again', async () => {
  await deliveries(1, 1);
  await store.hand(unordered, [one]);
  await pass(ACK_MS);
  await store.lapse(10);
  const [again] = await store.hand(unordered, [two]);
  expect(again?.session).toBe(two);
  expect(await store.acknowledge(ROBOT, again?.id ?? '')).toBe('done');
  expect(await rowOf(again?.id ?? '')).toMatchObject({ state: 'delivered', attempts: 2 });
});

test('nothing lapses before its time, and each lapse is one attempt, however many replicas look', async () => {
  await deliveries(1, 2);
  await deliveries(1, 1, 6_000n);
  await database.prisma.webhookDelivery.updateMany({
    where: { webhookId: 6_000n },
    data: { state: 'sending', lockedUntil: new Date(0) },
  });
  await store.hand(unordered, [one, two]);
  await pass(ACK_MS - 15_000);
  expect(await store.lapse(10)).toBe(0);
  await pass(15_000);
  const found = await Promise.all([1, 2, 3, 4].map(() => store.lapse(10)));
  expect(found.reduce((sum, count) => sum + count)).toBe(2);
  expect(await database.prisma.webhookAttempt.count()).toBe(2);
  // That of a URL is the dispatcher's.
  expect(await rowOf('dlv_evt_6000_0_1')).toMatchObject({ state: 'sending', attempts: 0 });
});

test('who is gone lets go of what it holds; what never left the house costs nothing', async () => {
  await deliveries(1, 3);
  const handed = await store.hand(unordered, [one, two, two]);
  await store.takeBack(handed[1]!);
  await store.takeBack({ ...handed[2]!, token: 99 });
  expect(await store.letGo(one)).toBe(1);
  expect(await rowOf(handed[0]!.id)).toMatchObject({ state: 'pending', attempts: 1 });
  expect(await rowOf(handed[1]!.id)).toMatchObject({ state: 'pending', attempts: 0 });
  expect(await rowOf(handed[2]!.id)).toMatchObject({ state: 'sending' });
  expect(names(await store.hand(unordered, places(one, 5)))).toEqual(['evt_1025_0_1', 'evt_1025_0_2']);
});

test('one is given up when it was handed over often enough and is as old as a URL would let it get, not before', async () => {
  await deliveries(1, 2);
  const ids = ['dlv_evt_1025_0_1', 'dlv_evt_1025_0_2'];
  await database.prisma.webhookDelivery.updateMany({
    where: { id: { in: ids } },
    data: { attempts: MAX_ATTEMPTS - 1 },
  });
  await database.prisma.webhookDelivery.update({ where: { id: ids[0] }, data: { createdAt: new Date(0) } });
  await store.hand(unordered, places(one, 2));
  await store.letGo(one);
  expect((await rowOf(ids[0] ?? '')).state).toBe('failed');
  expect(await rowOf(ids[1] ?? '')).toMatchObject({ state: 'pending', attempts: MAX_ATTEMPTS });
  expect(await store.acknowledge(ROBOT, ids[0] ?? '')).toBe('done');
  expect((await rowOf(ids[0] ?? '')).state).toBe('failed');
});

test('what waits for a removed robot is given up, what it holds when its time is over', async () => {
  await deliveries(1, 2);
  const upkeep = new DeliveryUpkeepStore(database.prisma);
  const [held] = await store.hand(unordered, [one]);
  await database.prisma.robot.create({ data: { id: BigInt(ROBOT), domainName: DOMAIN, name: 'r' } });
  await database.stores.robots.remove(ROBOT, new Date());
  expect(await upkeep.failRemoved(10)).toBe(1);
  expect((await rowOf(held!.id)).state).toBe('sending');
  expect(await upkeep.takeBackAbandoned()).toEqual({ takenBack: 0, givenUp: 0 });
  await pass(ACK_MS);
  expect(await upkeep.takeBackAbandoned()).toEqual({ takenBack: 0, givenUp: 0 });
  expect(await store.lapse(10)).toBe(1);
  expect(await upkeep.failRemoved(10)).toBe(1);
  expect(await database.prisma.webhookDelivery.count({ where: { state: 'failed' } })).toBe(2);
});

test.each(['pausedAt', 'suspendedAt', 'disabledAt', 'removedAt'] as const)(
  'with %s it is handed nothing',
  async (column) => {
    await deliveries(1, 1);
    await database.prisma.webhook.update({ where: { id: BigInt(WEBHOOK) }, data: { [column]: new Date() } });
    expect(await store.waiting([ROBOT])).toEqual([]);
    expect(await store.hand(unordered, [one])).toEqual([]);
  },
);
