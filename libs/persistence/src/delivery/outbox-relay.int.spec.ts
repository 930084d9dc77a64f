import { randomBytes } from 'node:crypto';
import {
  brandAs,
  type DomainName,
  type NewOutboxEvent,
  type NewWebhook,
  type RegionId,
  type Room,
  type RoomName,
  type RoomSessionId,
  type WebhookId,
} from '@parley/domain';
import { startPostgres, type TestPostgres } from '@parley/testing';
import { createDatabase, type Database } from '../database';
import { OutboxRelayStore } from './outbox-relay.store';
import { DeliveryUpkeepStore } from './upkeep.store';

const ONE = brandAs<DomainName>('one.example');
const TWO = brandAs<DomainName>('two.example');
const AT = new Date('2026-01-01T12:00:00Z');

let postgres: TestPostgres;
let database: Database;
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
  relay = new OutboxRelayStore(database.prisma);
  const { prisma } = database;
  await prisma.account.create({ data: { id: 'acc_1', slug: 'a', authId: 'a', secretSealed: 's' } });
  await prisma.domain.createMany({
    data: [ONE, TWO].map((name) => ({ name, accountId: 'acc_1', region: 'eu-1', webhookKeySealed: 's' })),
  });
});
afterEach(() => database.close());

async function open(domain: DomainName, name: string): Promise<Room> {
  const policy = { version: 1, type: 'conference', locked: false, capacity: 9, passwordVersion: 0, hasHostKey: false };
  const room: Room = {
    id: brandAs<RoomSessionId>(`rs_${domain}_${name}`),
    domain,
    name: brandAs<RoomName>(name),
    openedBy: 'api',
    policy: { ...policy, type: 'conference' },
    password: null,
    hostKey: null,
    openedAt: AT,
    closeAfter: null,
  };
  await database.uow.run((stores) => stores.rooms.insert(room));
  return room;
}

const removed = (room: Room): NewOutboxEvent => ({
  type: 'room.removed',
  domain: room.domain,
  roomName: room.name,
  roomSessionId: room.id,
  payload: {},
  occurredAt: AT,
});
const ofNoOpening = { roomSessionId: null, occurredAt: AT } as const;
const booked = (domain: DomainName, roomName: string): NewOutboxEvent => ({
  type: 'booking.added',
  domain,
  roomName: brandAs<RoomName>(roomName),
  payload: { id: 'bk_1', validUntil: AT.toISOString() },
  ...ofNoOpening,
});
const append = (...events: NewOutboxEvent[]) =>
  database.uow.run(async (stores) => {
    for (const event of events) await stores.outbox.append(event);
  });

/** A webhook that has proved itself. */
async function webhook(settings: Partial<NewWebhook> = {}, standing: object = {}): Promise<WebhookId> {
  const target = { type: 'url', url: 'https://r.example/' } as const;
  const { id } = await database.stores.webhooks.insert({ domain: ONE, target, ...settings }, AT);
  await database.prisma.webhook.update({ where: { id }, data: { validated: true, provenAt: AT, ...standing } });
  return id;
}

async function relayAll(): Promise<void> {
  while ((await relay.relay(100)).events > 0);
}

/** Who is told of what: `<webhook> <type>[ <room>]`, in order. */
async function told(): Promise<string[]> {
  const rows = await database.prisma.webhookDelivery.findMany({
    include: { event: true },
    orderBy: [{ position: 'asc' }, { webhookId: 'asc' }],
  });
  return rows.map(({ webhookId, event }) => [webhookId, event.type, event.roomName ?? []].flat().join(' '));
}

describe('who is told', () => {
  test('is who lists the event and listens to its room', async () => {
    const plain = await webhook();
    const bookings = await webhook({ events: ['booking.added'], roomName: brandAs<RoomName>('a') });
    const all = await webhook({ events: ['room.removed', 'booking.added'] });
    const elsewhere = await webhook({ domain: TWO, events: ['room.removed', 'booking.added'] });
    await append(removed(await open(ONE, 'a')), booked(ONE, 'a'), booked(ONE, 'b'), booked(TWO, 'a'));
    await relayAll();
    expect(await told()).toEqual([
      `${plain} room.removed a`,
      `${all} room.removed a`,
      `${bookings} booking.added a`,
      `${all} booking.added a`,
      `${all} booking.added b`,
      `${elsewhere} booking.added a`,
    ]);
  });

  test('is everybody who proved itself once, unless it was removed or disabled', async () => {
    const told1 = await webhook();
    const paused = await webhook({}, { pausedAt: AT });
    const suspended = await webhook({}, { suspendedAt: AT });
    const moved = await webhook({}, { validated: false });
    await webhook({}, { validated: false, provenAt: null });
    await webhook({}, { disabledAt: AT });
    await webhook({}, { removedAt: AT });
    await append(removed(await open(ONE, 'a')));
    await relayAll();
    expect(await told()).toEqual([told1, paused, suspended, moved].map((id) => `${id} room.removed a`));
  });

  test('is a robot too, which gets no job', async () => {
    const url = await webhook();
    const robot = await webhook({ target: { type: 'robot', robotId: 7 } });
    await append(removed(await open(ONE, 'a')));
    const round = await relay.relay(100);
    expect(round).toEqual({ events: 1, webhooks: [url], robots: true, more: false });
    expect(await told()).toEqual([`${url} room.removed a`, `${robot} room.removed a`]);
  });

  test('is one webhook alone when the event is for it alone', async () => {
    await webhook({ events: ['webhook.test'] });
    const asked = await webhook({ roomName: brandAs<RoomName>('a') });
    const foreign = await webhook({ domain: TWO });
    const test = { type: 'webhook.test', domain: ONE, roomName: null, payload: {}, ...ofNoOpening } as const;
    await append({ ...test, onlyWebhookId: asked }, { ...test, onlyWebhookId: foreign });
    await relayAll();
    expect(await told()).toEqual([`${asked} webhook.test`]);
  });

  test('of trouble with a webhook are the others that list it, whatever their room', async () => {
    const events = ['webhook.alert'] as const;
    const sick = await webhook({ events });
    const other = await webhook({ events });
    const ofRoom = await webhook({ events, roomName: brandAs<RoomName>('a') });
    await webhook();
    const payload = { webhookId: sick, reason: 'warning' } as const;
    await append({ type: 'webhook.alert', domain: ONE, roomName: null, payload, ...ofNoOpening });
    await relayAll();
    expect(await told()).toEqual([`${other} webhook.alert`, `${ofRoom} webhook.alert`]);
  });
});

describe('events of no opening', () => {
  test('are numbered by room name, and by domain without one', async () => {
    const test = { type: 'webhook.test', domain: ONE, roomName: null, payload: {}, ...ofNoOpening } as const;
    await Promise.all([
      append(booked(ONE, 'a'), booked(ONE, 'b')),
      append(booked(ONE, 'a')),
      append(booked(TWO, 'a')),
      append(test),
      append(test),
    ]);
    const rows = await database.prisma.outboxEvent.findMany({ orderBy: [{ domainName: 'asc' }, { seq: 'asc' }] });
    expect(rows.map((row) => `${row.domainName} ${row.roomName ?? '-'} ${row.seq}`).sort()).toEqual([
      `${ONE} - 1`,
      `${ONE} - 2`,
      `${ONE} a 1`,
      `${ONE} a 2`,
      `${ONE} b 1`,
      `${TWO} a 1`,
    ]);
  });
});

describe('a domain', () => {
  test('is left to the relay that is at it, and the others are taken, however much waits before them', async () => {
    const one = await open(ONE, 'a');
    await append(...Array.from({ length: 6 }, () => removed(one)), removed(await open(TWO, 'a')));
    await database.prisma.$transaction(async (tx) => {
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('parley:outbox:one.example', 0))`;
      expect(await relay.relay(3)).toMatchObject({ events: 1, more: false });
      expect(await relay.relay(3)).toMatchObject({ events: 0, more: false });
    });
    expect(await relay.relay(3)).toMatchObject({ events: 3, more: true });
    expect(await relay.relay(5)).toMatchObject({ events: 3, more: false });
  });
});

test('retention takes neither a number nor a position back', async () => {
  await webhook({ events: ['room.removed', 'booking.added'] });
  const room = await open(ONE, 'a');
  const events = [removed(room), booked(ONE, 'a')];
  await append(...events);
  await relayAll();
  const before = await database.prisma.outboxEvent.aggregate({ _max: { position: true } });
  await database.prisma.domain.update({ where: { name: ONE }, data: { webhookRetentionDays: 0 } });
  const upkeep = new DeliveryUpkeepStore(database.prisma);
  expect(await upkeep.expire(10)).toBe(2);
  expect(await upkeep.deleteOld(10)).toMatchObject({ events: 2 });
  await append(...events);
  await relayAll();
  const after = await database.prisma.outboxEvent.findMany({ orderBy: { position: 'asc' } });
  expect(after.map(({ type, seq }) => `${seq} ${type}`)).toEqual(['2 room.removed', '2 booking.added']);
  expect(after[0]?.position).toBeGreaterThan(before._max.position ?? Infinity);
});

/** Makes every delivery take a moment to be written, so that relays which are not kept apart commit out of order. */
async function slowDeliveries(): Promise<void> {
  await database.prisma.$executeRawUnsafe(`
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(random() * 0.01); RETURN NEW; END $$`);
  await database.prisma.$executeRawUnsafe(
    'CREATE TRIGGER dawdle BEFORE INSERT ON "WebhookDelivery" FOR EACH ROW EXECUTE FUNCTION dawdle()',
  );
}

interface Place {
  position: bigint;
  roomSessionId: string | null;
  roomName: string | null;
  seq: number;
}

/** Reads a domain's events page by page, as somebody who polls, until `enough`. */
async function poll(domain: DomainName, enough: () => boolean): Promise<Place[]> {
  const read: Place[] = [];
  for (;;) {
    const last = enough();
    const after = read.at(-1)?.position ?? 0n;
    const page = await database.prisma.$queryRaw<Place[]>`
      SELECT position, "roomSessionId", "roomName", seq FROM "OutboxEvent"
      WHERE "domainName" = ${domain} AND position > ${after} ORDER BY position LIMIT 5`;
    read.push(...page);
    if (last && page.length === 0) return read;
  }
}

test('whoever reads by position misses nothing and sees each room in order, while relays and writers race', async () => {
  await slowDeliveries();
  for (const domain of [ONE, TWO]) await webhook({ domain, events: ['room.removed', 'booking.added'] });
  const rooms = [await open(ONE, 'a'), await open(ONE, 'b'), await open(TWO, 'a')];
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; n < 15; n += 1) {
      const room = rooms[(n + writer) % rooms.length]!;
      await append(removed(room), ...(n % 3 === 0 ? [booked(room.domain, room.name)] : []));
    }
  };
  const over = { written: false, relayed: false };
  const relays = Array.from({ length: 4 }, async () => {
    for (;;) {
      const last = over.written;
      const { events } = await relay.relay(4);
      const left = last && events === 0 ? await database.prisma.outboxEvent.count({ where: { relayedAt: null } }) : 1;
      if (left === 0) return;
    }
  });
  const readers = [ONE, TWO, ONE, TWO].map((domain) => poll(domain, () => over.relayed));
  try {
    await Promise.all(Array.from({ length: 5 }, (_, writer) => write(writer)));
    over.written = true;
    await Promise.all(relays);
  } finally {
    Object.assign(over, { written: true, relayed: true });
  }

  for (const [reader, domain] of [ONE, TWO, ONE, TWO].entries()) {
    const read = await readers[reader]!;
    expect(read).toHaveLength(await database.prisma.outboxEvent.count({ where: { domainName: domain } }));
    const sequences = new Map<string, number[]>();
    for (const { roomSessionId, roomName, seq } of read) {
      const of = roomSessionId ?? `booking of ${roomName}`;
      sequences.set(of, [...(sequences.get(of) ?? []), seq]);
    }
    for (const seqs of sequences.values()) expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  }
  const astray = await database.prisma.$queryRaw`
    SELECT d.id FROM "WebhookDelivery" d JOIN "OutboxEvent" e ON e.id = d."eventId"
    WHERE d.position <> e.position OR d."roomName" IS DISTINCT FROM e."roomName"`;
  expect(astray).toEqual([]);
  expect(await database.prisma.webhookDelivery.count()).toBe(5 * (15 + 5));
}, 60_000);
