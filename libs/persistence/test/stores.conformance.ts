import {
  brandAs,
  type Booking,
  type BookingId,
  type DomainName,
  type NewOutboxEvent,
  type Room,
  type RoomName,
  type WebhookId,
} from '@parley/domain';
import { room } from './fixtures';
import { peerTests } from './peers.conformance';
import { robotTests } from './robots.conformance';
import { closingTests, roomTests } from './rooms.conformance';
import type { StoresUnderTest } from './stores-under-test';
import { webhookSecretTests } from './webhook-secrets.conformance';

const name = (text: string): RoomName => brandAs<RoomName>(text);
const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 21, 12, 0, seconds));

/** What every implementation of the stores promises; run on memory and on PostgreSQL. */
export function describeStores(make: () => Promise<StoresUnderTest>): void {
  let db: StoresUnderTest;
  beforeEach(async () => {
    db = await make();
  });

  describe('rooms', () => roomTests(() => db));
  describe('closing', () => closingTests(() => db));
  describe('bookings', () => bookingTests(() => db));
  describe('webhooks', () => webhookTests(() => db));
  describe('webhook secrets and keys', () => webhookSecretTests(() => db));
  describe('robots', () => robotTests(() => db));
  describe('peers', () => peerTests(() => db));
  describe('outbox and unit of work', () => outboxTests(() => db));
  describe('tenancy', () => tenancyTests(() => db));
}

function bookingTests(db: () => StoresUnderTest): void {
  const booking = (validUntil: Date, roomName = 'room'): Booking => ({
    id: brandAs<BookingId>(`bk_${Math.random()}`),
    domain: db().domain,
    roomName: name(roomName),
    validUntil,
  });
  const insert = (value: Booking) => db().uow.run((stores) => stores.bookings.insert(value));
  const find = () => db().uow.run((stores) => stores.bookings.find(db().domain, name('room')));

  it('keeps a booking until it is taken away because it expired', async () => {
    const take = (now: Date) => db().uow.run((stores) => stores.bookings.takeExpiredOf(db().domain, name('room'), now));
    const first = booking(at(10));
    expect(await insert(first)).toBe(true);
    expect(await insert(booking(at(20)))).toBe(false);
    expect(await take(at(9))).toBeNull();
    expect(await find()).toEqual(first);
    expect(await take(at(10))).toEqual(first);
    expect(await take(at(10))).toBeNull();
    const second = booking(at(30));
    expect(await insert(second)).toBe(true);
    expect(await find()).toEqual(second);
  });

  it('gives each expired one to one taker, the longest expired first', async () => {
    const seconds = [5, 3, 9, 1, 7, 30];
    for (const second of seconds) await insert(booking(at(second), `room-${second}`));
    const take = (limit: number) => db().uow.run((stores) => stores.bookings.takeExpired(at(9), limit));
    expect((await take(2)).map(({ roomName }) => roomName)).toEqual(['room-1', 'room-3']);
    const takers = await Promise.all([take(2), take(2), take(2)]);
    const rest = [...takers.flat(), ...(await take(9))];
    expect(rest.map(({ roomName }) => roomName).sort()).toEqual(['room-5', 'room-7', 'room-9']);
    expect(await take(9)).toEqual([]);
  });

  it('lets one of many who book at once win', async () => {
    const bookings = Array.from({ length: 10 }, () => booking(at(10)));
    const won = await Promise.all(bookings.map((each) => insert(each)));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await find()).toEqual(bookings[won.indexOf(true)]);
  });

  it('updates only a valid one', async () => {
    const update = (until: Date, now: Date) =>
      db().uow.run((stores) => stores.bookings.update(db().domain, name('room'), until, now));
    expect(await update(at(10), at(1))).toBeNull();
    const first = booking(at(10));
    await insert(first);
    expect(await update(at(20), at(9))).toEqual({ ...first, validUntil: at(20) });
    expect(await find()).toMatchObject({ validUntil: at(20) });
    expect(await update(at(30), at(20))).toBeNull();
  });

  it('lists by room name and removes valid ones', async () => {
    await insert(booking(at(10), 'b'));
    const a = booking(at(10), 'a');
    await insert(a);
    const list = async (domain: DomainName) =>
      (await db().uow.run((stores) => stores.bookings.list(domain))).map((each) => each.roomName);
    expect(await list(db().domain)).toEqual(['a', 'b']);
    expect(await list(db().otherDomain)).toEqual([]);
    const remove = (now: Date) => db().uow.run((stores) => stores.bookings.remove(db().domain, name('a'), now));
    expect([await remove(at(10)), await remove(at(9)), await remove(at(9))]).toEqual([null, a, null]);
    expect(await list(db().domain)).toEqual(['b']);
  });
}

function webhookTests(db: () => StoresUnderTest): void {
  const add = (url: string, roomName: string | null = null) =>
    db().uow.run((stores) =>
      stores.webhooks.insert(
        { domain: db().domain, roomName: roomName === null ? null : name(roomName), target: { type: 'url', url } },
        at(1),
      ),
    );
  const list = async (filter: { token?: string; validated?: boolean }) =>
    (await db().uow.run((stores) => stores.webhooks.list(db().domain, filter))).map((each) => each.id);

  it('numbers them so that the id tells the region', async () => {
    const added = await Promise.all([add('https://a.test/'), add('https://a.test/'), add('https://a.test/')]);
    expect(added.map(({ id }) => id).sort((a, b) => a - b)).toEqual([1025, 2049, 3073]);
  });

  it('takes a robot as validated and a URL as not yet', async () => {
    const robot = await db().uow.run((stores) =>
      stores.webhooks.insert(
        { domain: db().domain, roomName: name('r'), target: { type: 'robot', robotId: 7 } },
        at(1),
      ),
    );
    expect(robot).toMatchObject({ validated: true, roomName: 'r', target: { type: 'robot', robotId: 7 } });
    expect(await add('https://a.test/x')).toMatchObject({
      validated: false,
      roomName: null,
      state: { kind: 'pending' },
      events: ['room.created', 'room.removed'],
      order: 'unordered',
      detailed: false,
    });
    expect(robot.state).toEqual({ kind: 'active' });
    expect(await db().uow.run((stores) => stores.webhooks.find(robot.id))).toEqual(robot);
  });

  it('keeps what it is told of and how', async () => {
    const settings = { events: ['peer.joined', 'booking.expired'], order: 'fifo', detailed: true } as const;
    const target = { type: 'url', url: 'https://a.test/' } as const;
    const added = await db().uow.run((stores) =>
      stores.webhooks.insert({ domain: db().domain, target, ...settings }, at(1)),
    );
    expect(added).toMatchObject({ ...settings, roomName: null });
    expect(await db().uow.run((stores) => stores.webhooks.list(db().domain, {}))).toEqual([added]);
  });

  it('filters by a part of URL or room name, taken literally, and by validated', async () => {
    const one = await add('https://a.test/my_hook');
    const two = await add('https://a.test/other', 'My_Room');
    const three = await add('https://a.test/myXhook');
    await db().settleValidation(three.id, true);
    expect(await list({ token: 'my_' })).toEqual([one.id, two.id]);
    expect(await list({ token: '%' })).toEqual([]);
    expect(await list({ validated: true })).toEqual([three.id]);
    expect(await list({ validated: false, token: 'OTHER' })).toEqual([two.id]);
    expect(await list({})).toEqual([one.id, two.id, three.id]);
  });

  it('forgets a removed one', async () => {
    const { id } = await add('https://a.test/');
    const remove = () => db().uow.run((stores) => stores.webhooks.remove(id, at(2)));
    expect([await remove(), await remove()]).toEqual([true, false]);
    expect(await db().uow.run((stores) => stores.webhooks.find(id))).toBeNull();
    expect(await list({})).toEqual([]);
  });

  it('answers null for numbers that are no ids', async () => {
    for (const id of [-1, 1.5, Number.NaN, 1e300]) {
      expect(await db().uow.run((stores) => stores.webhooks.find(brandAs<WebhookId>(id)))).toBeNull();
    }
  });

  it('tells the outcome of the newest handshake only', async () => {
    const { id } = await add('https://a.test/');
    const outcome = () => db().uow.run((stores) => stores.webhooks.handshakeOutcome(id));
    expect(await outcome()).toBeNull();
    await db().settleValidation(id, true);
    expect(await outcome()).toEqual({ validated: true });
    await db().uow.run((stores) => stores.webhooks.requestValidation(id, at(3)));
    expect(await outcome()).toBeNull();
    expect(await db().uow.run((stores) => stores.webhooks.find(id))).toMatchObject({ validated: true });
    await db().settleValidation(id, false);
    expect(await outcome()).toEqual({ validated: false });
  });
}

function outboxTests(db: () => StoresUnderTest): void {
  const placed = (of: Room) => ({ domain: of.domain, roomName: of.name, roomSessionId: of.id, occurredAt: at(1) });
  const event = (of: Room): NewOutboxEvent => ({
    type: 'room.created',
    ...placed(of),
    payload: { type: 'conference', capacity: 1, locked: false },
  });
  const removed = (of: Room): NewOutboxEvent => ({ type: 'room.removed', ...placed(of), payload: {} });

  it('numbers the events of each opening without gaps, however many append at once', async () => {
    const one = room({ domain: db().domain });
    const two = room({ domain: db().otherDomain });
    await db().uow.run(async (stores) => [await stores.rooms.insert(one), await stores.rooms.insert(two)]);
    const append = (of: Room) => db().uow.run((stores) => stores.outbox.append(event(of)));
    await Promise.all(Array.from({ length: 8 }, (_, n) => append(n % 2 === 0 ? one : two)));
    const numbered = ['room.created:1', 'room.created:2', 'room.created:3', 'room.created:4'];
    expect(await db().eventsOf(one.id)).toEqual(numbered);
    expect(await db().eventsOf(two.id)).toEqual(numbered);
  });

  it('leaves no trace of work that failed, not even a used number', async () => {
    const one = room({ domain: db().domain });
    await db().uow.run((stores) => stores.rooms.insert(one));
    const woken = db().wakeUps();
    const failing = db().uow.run(async (stores) => {
      await stores.rooms.change(one.id, { locked: true });
      await stores.outbox.append(event(one));
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    expect(db().wakeUps()).toBe(woken);
    expect(await db().eventsOf(one.id)).toEqual([]);
    expect(await db().uow.run((stores) => stores.rooms.findById(one.id))).toMatchObject({ policy: { locked: false } });
    await db().uow.run((stores) => stores.outbox.append(removed(one)));
    expect(await db().eventsOf(one.id)).toEqual(['room.removed:1']);
    expect(db().wakeUps()).toBe(woken + 1);
  });
}

function tenancyTests(db: () => StoresUnderTest): void {
  it('finds an account by its auth id and knows its domains only', async () => {
    const account = await db().uow.run((stores) => stores.tenancy.accountByAuthId('auth-a'));
    expect(account).toMatchObject({ id: db().account, secret: 'secret-a', legacyKeys: false });
    const domains = await db().uow.run((stores) => stores.tenancy.domainsOf(db().account));
    expect(domains.map((each) => each.name)).toEqual([db().domain]);
    expect(domains[0]).toMatchObject({ webhookKey: 'hook-a', capacity: 100 });
  });

  it('knows whether a backend of the domain keeps visitors out', async () => {
    const keepsOut = (name: DomainName) => db().uow.run((stores) => stores.tenancy.keepsVisitorsOut(name));
    expect(await keepsOut(db().domain)).toBe(false);
    await db().addBackend(db().domain, { foreignEntry: true });
    expect(await keepsOut(db().domain)).toBe(false);
    await db().addBackend(db().domain, { foreignEntry: false });
    expect(await keepsOut(db().domain)).toBe(true);
    expect(await keepsOut(db().otherDomain)).toBe(false);
  });

  it('answers null for what it does not know', async () => {
    expect(await db().uow.run((stores) => stores.tenancy.accountByAuthId('nobody'))).toBeNull();
    expect(await db().uow.run((stores) => stores.tenancy.accountByAuthId('a\0b'))).toBeNull();
    expect(await db().uow.run((stores) => stores.tenancy.domain(brandAs<DomainName>('no.test')))).toBeNull();
  });
}
