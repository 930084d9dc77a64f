import {
  BookingService,
  brandAs,
  cryptoIds,
  OUTBOX_EVENT_TYPES,
  RoomService,
  type DomainName,
  type NewOutboxEvent,
  type Room,
  type RoomName,
  type WebhookId,
} from '@parley/domain';
import type { Database } from '@parley/persistence';
import { FakeLiveRooms } from './fake-live-rooms';
import { account, domain } from './fixtures';
import { putTenant, TestDatabases } from './test-database';

const owner = account('a').id;
const A = brandAs<DomainName>('a.test');
const ROOM = brandAs<RoomName>('room');
const PASSWORDS = ['the first password', 'the second password', 'the third password'] as const;

const time = { now: Date.now() };
const clock = { now: () => new Date(time.now) };

let databases: TestDatabases;
let db: Database;
let url: string;
beforeAll(async () => {
  databases = await TestDatabases.start();
});
beforeEach(async () => {
  ({ db, url } = await databases.open());
  await putTenant(db, account('a'), domain('a'));
});
afterEach(() => databases.closeDatabases());
afterAll(() => databases.close());

/** Everything a back end can do with a protected room, and everything that can happen to a booking. */
async function liveThroughEverything(): Promise<Room> {
  const rooms = new RoomService(db.uow, new FakeLiveRooms(), clock, cryptoIds);
  const bookings = new BookingService(db.uow, clock, cryptoIds);
  const opened = await rooms.init(owner, { domain: A, name: ROOM, password: PASSWORDS[0], addHostKey: true });
  await rooms.setLock(owner, A, ROOM, true);
  await rooms.setPassword(owner, A, ROOM, PASSWORDS[1]);
  await rooms.setPassword(owner, A, ROOM, null);
  await rooms.setPassword(owner, A, ROOM, PASSWORDS[2]);
  const until = (minutes: number) => new Date(time.now + minutes * 60_000);
  await bookings.add(owner, { domain: A, roomName: ROOM, validUntil: until(5) });
  await bookings.update(owner, { domain: A, roomName: ROOM, validUntil: until(6) });
  await bookings.remove(owner, A, ROOM);
  await bookings.add(owner, { domain: A, roomName: ROOM, validUntil: until(1) });
  time.now += 60_000;
  expect(await bookings.expire(clock.now())).toBe(1);
  await told(opened);
  await rooms.destroy(owner, A, ROOM, true);
  return opened;
}

/** What others than the api write, at its most talkative. */
async function told(room: Room): Promise<void> {
  const ofRoom = { domain: A, roomName: ROOM, roomSessionId: room.id, occurredAt: clock.now() };
  const ofDomain = { domain: A, roomName: null, roomSessionId: null, occurredAt: clock.now() };
  const payload = { id: 'peer-1', userId: 'u1', name: 'Ann', isHost: true };
  const webhookId = brandAs<WebhookId>(1025);
  const events: NewOutboxEvent[] = [
    { type: 'peer.joined', payload, ...ofRoom },
    { type: 'host.joined', payload, ...ofRoom },
    { type: 'peer.left', payload, ...ofRoom },
    { type: 'webhook.test', payload: {}, onlyWebhookId: webhookId, ...ofDomain },
    { type: 'webhook.alert', payload: { webhookId, reason: 'failing', percent: 50 }, ...ofDomain },
  ];
  await db.uow.run(async (stores) => {
    for (const event of events) await stores.outbox.append(event);
  });
}

test('no event of any kind holds a password or a host key at rest', async () => {
  const { id, hostKey } = await liveThroughEverything();
  const rows = await db.prisma.$queryRaw<{ type: string; text: string }[]>`
    SELECT type, e::text AS text FROM "OutboxEvent" e ORDER BY entered`;
  expect(new Set(rows.map(({ type }) => type))).toEqual(new Set(OUTBOX_EVENT_TYPES));
  for (const secret of [...PASSWORDS, hostKey!]) {
    expect(rows.filter(({ text }) => text.includes(secret))).toEqual([]);
  }
  for (const { type, text } of rows) {
    expect(`${type} ${text}`).not.toMatch(/"(password|key|hostKey|secret)"/i);
  }
  expect(rows.some(({ text }) => text.includes(id))).toBe(true);
});

test('the events of an opening and of a name are numbered from 1, each on their own, in the order of what happened', async () => {
  await liveThroughEverything();
  const rows = await db.prisma.outboxEvent.findMany({ where: { roomName: ROOM }, orderBy: { entered: 'asc' } });
  const named = (ofOpening: boolean) =>
    rows.filter(({ roomSessionId }) => (roomSessionId !== null) === ofOpening).map(({ type, seq }) => `${seq} ${type}`);
  expect(named(true)).toEqual([
    '1 room.created',
    '2 room.updated',
    '3 room.updated',
    '4 room.updated',
    '5 room.updated',
    '6 peer.joined',
    '7 host.joined',
    '8 peer.left',
    '9 room.removed',
  ]);
  expect(named(false)).toEqual([
    '1 booking.added',
    '2 booking.updated',
    '3 booking.removed',
    '4 booking.added',
    '5 booking.expired',
  ]);
});

test('bookings expire once, however many replicas look at the same time', async () => {
  const { db: second } = await databases.open({ url });
  const services = [db, second].map((on) => new BookingService(on.uow, clock, cryptoIds));
  const names = Array.from({ length: 25 }, (_, n) => brandAs<RoomName>(`room-${n}`));
  const validUntil = new Date(time.now + 1_000);
  for (const roomName of names) await services[0]!.add(owner, { domain: A, roomName, validUntil });
  time.now += 2_000;
  const expired = await Promise.all(Array.from({ length: 8 }, (_, n) => services[n % 2]!.expire(clock.now())));
  expect(expired.reduce((sum, each) => sum + each)).toBe(25);
  const events = await db.prisma.outboxEvent.findMany({ where: { type: 'booking.expired' } });
  expect(events.map(({ roomName, seq }) => `${roomName} ${seq}`).sort()).toEqual(
    names.map((name) => `${name} 2`).sort(),
  );
  expect(await db.prisma.booking.count()).toBe(0);
});

test('a booking that expired is told of once also when many book its room at that moment', async () => {
  const { db: second } = await databases.open({ url });
  const services = [db, second].map((on) => new BookingService(on.uow, clock, cryptoIds));
  const add = (service: BookingService, ms: number) =>
    service.add(owner, { domain: A, roomName: ROOM, validUntil: new Date(time.now + ms) });
  await add(services[0]!, 1_000);
  time.now += 2_000;
  const race = Array.from({ length: 12 }, (_, n) =>
    n % 3 === 0 ? services[n % 2]!.expire(clock.now()) : add(services[n % 2]!, 60_000),
  );
  const outcomes = await Promise.allSettled(race);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(7);
  const events = await db.prisma.outboxEvent.findMany({ orderBy: { seq: 'asc' } });
  expect(events.map(({ type, seq }) => `${seq} ${type}`)).toEqual([
    '1 booking.added',
    '2 booking.expired',
    '3 booking.added',
  ]);
});
