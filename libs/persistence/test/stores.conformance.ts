import {
  brandAs,
  type AccountId,
  type Booking,
  type BookingId,
  type DomainName,
  type NewOutboxEvent,
  type Room,
  type RoomName,
  type RoomSessionId,
  type UnitOfWork,
  type WebhookId,
} from '@parley/domain';
import { room } from './fixtures';

/** One database under test. Made anew for each test, with domains a.test and b.test of different accounts. */
export interface StoresUnderTest {
  readonly uow: UnitOfWork;
  readonly account: AccountId;
  readonly domain: DomainName;
  readonly otherDomain: DomainName;
  settleValidation(id: WebhookId, validated: boolean): Promise<void>;
  /** `type:seq` of every committed event of a room session, in order of seq. */
  eventsOf(id: RoomSessionId): Promise<string[]>;
  wakeUps(): number;
}

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
  describe('outbox and unit of work', () => outboxTests(() => db));
  describe('tenancy', () => tenancyTests(() => db));
}

function roomTests(db: () => StoresUnderTest): void {
  const insert = (value: Room): Promise<boolean> => db().uow.run((stores) => stores.rooms.insert(value));

  it('answers a room as it was stored, secrets included', async () => {
    const stored = room({
      domain: db().domain,
      password: 'pass wörd',
      hostKey: 'k',
      closeAfter: at(9),
      openedAt: at(1),
    });
    await insert(stored);
    const found = await db().uow.run((stores) => stores.rooms.findOpen(stored.domain, stored.name));
    expect(found).toEqual({ ...stored, closing: false, closedAt: null });
    expect(await db().uow.run((stores) => stores.rooms.findById(stored.id))).toEqual(found);
    expect(await db().uow.run((stores) => stores.rooms.findOpen(db().otherDomain, stored.name))).toBeNull();
  });

  it('lets one of many who open the same name at once win', async () => {
    const rooms = Array.from({ length: 10 }, () => room({ domain: db().domain }));
    const won = await Promise.all(rooms.map(insert));
    expect(won.filter(Boolean)).toHaveLength(1);
    const [open] = await db().uow.run((stores) => stores.rooms.listOpen(db().domain));
    expect(open?.id).toBe(rooms[won.indexOf(true)]?.id);
  });

  it('keeps a transaction usable after a lost race', async () => {
    const first = room({ domain: db().domain });
    await insert(first);
    const found = await db().uow.run(async (stores) => {
      expect(await stores.rooms.insert(room({ domain: db().domain }))).toBe(false);
      return stores.rooms.findOpen(first.domain, first.name);
    });
    expect(found?.id).toBe(first.id);
  });

  it('takes the same name in another domain, and again after the first was closed', async () => {
    const first = room({ domain: db().domain });
    await insert(first);
    expect(await insert(room({ domain: db().otherDomain }))).toBe(true);
    await db().uow.run((stores) => stores.rooms.close(first.id, at(2)));
    expect(await insert(room({ domain: db().domain }))).toBe(true);
  });

  it('raises the versions with each change', async () => {
    const { id, domain } = room({ domain: db().domain, id: brandAs<RoomSessionId>('rs_change') });
    await insert(room({ domain, id }));
    const change = (changes: object) => db().uow.run((stores) => stores.rooms.change(id, changes));
    expect(await change({ locked: true })).toMatchObject({ policy: { version: 2, locked: true, passwordVersion: 0 } });
    expect(await change({ password: 'p' })).toMatchObject({
      password: 'p',
      policy: { version: 3, passwordVersion: 1 },
    });
    expect(await change({ password: null })).toMatchObject({
      password: null,
      policy: { version: 4, passwordVersion: 2 },
    });
  });

  it('sets a host key once, whoever asks at the same time', async () => {
    const { id } = room({ domain: db().domain });
    await insert(room({ domain: db().domain, id }));
    const keys = await Promise.all(
      ['one', 'two', 'three', 'four'].map((hostKey) => db().uow.run((stores) => stores.rooms.change(id, { hostKey }))),
    );
    expect(new Set(keys.map((changed) => changed?.hostKey)).size).toBe(1);
    expect(keys[0]?.policy).toMatchObject({ version: 2, hasHostKey: true });
  });

  it('changes nothing in a closed room', async () => {
    const { id } = room({ domain: db().domain });
    await insert(room({ domain: db().domain, id }));
    await db().uow.run((stores) => stores.rooms.close(id, at(2)));
    expect(await db().uow.run((stores) => stores.rooms.change(id, { locked: true }))).toBeNull();
    await db().uow.run((stores) => stores.rooms.setOccupancy(id, true, at(5)));
    expect(await db().uow.run((stores) => stores.rooms.findById(id))).toMatchObject({
      closedAt: at(2),
      closeAfter: null,
      policy: { locked: false },
    });
  });

  it('pages through all open rooms with their occupancy', async () => {
    const ids = ['rs_1', 'rs_2', 'rs_3'].map((id) => brandAs<RoomSessionId>(id));
    for (const id of ids) await insert(room({ domain: db().domain, id, name: name(id) }));
    await db().uow.run((stores) => stores.rooms.setOccupancy(ids[1]!, true, null));
    const page = (after: RoomSessionId | null) => db().uow.run((stores) => stores.rooms.openAfter(after, 2));
    expect((await page(null)).map((each) => [each.room.id, each.occupied])).toEqual([
      ['rs_1', false],
      ['rs_2', true],
    ]);
    expect((await page(ids[1]!)).map((each) => each.room.id)).toEqual(['rs_3']);
    expect(await page(ids[2]!)).toEqual([]);
  });
}

function closingTests(db: () => StoresUnderTest): void {
  const insert = async (changes: Partial<Room>): Promise<Room> => {
    const value = room({ domain: db().domain, ...changes });
    await db().uow.run((stores) => stores.rooms.insert(value));
    return value;
  };

  it('lets one of many end a room', async () => {
    const { id } = await insert({});
    const ended = await Promise.all([1, 2, 3, 4].map((n) => db().uow.run((stores) => stores.rooms.close(id, at(n)))));
    expect(ended.filter(Boolean)).toHaveLength(1);
  });

  it('finds what is overdue, the longest first, but not what is being closed', async () => {
    const late = await insert({ name: name('late'), closeAfter: at(10) });
    const later = await insert({ name: name('later'), closeAfter: at(5) });
    const closing = await insert({ name: name('closing'), closeAfter: at(5) });
    await insert({ name: name('not yet'), closeAfter: at(21) });
    await insert({ name: name('never'), closeAfter: null });
    await db().uow.run((stores) => stores.rooms.markClosing(closing.id, at(11)));
    const due = await db().uow.run((stores) => stores.rooms.due(at(20), 10));
    expect(due.map((each) => each.id)).toEqual([later.id, late.id]);
    expect(await db().uow.run((stores) => stores.rooms.due(at(20), 1))).toHaveLength(1);
  });

  it('keeps a closing findable until its live state is gone too', async () => {
    const { id } = await insert({});
    const stuck = async () => (await db().uow.run((stores) => stores.rooms.stuckClosing(at(10), 9))).map((r) => r.id);
    expect(await db().uow.run((stores) => stores.rooms.markClosing(id, at(1)))).toBe(true);
    expect(await db().uow.run((stores) => stores.rooms.findById(id))).toMatchObject({ closing: true, closedAt: null });
    expect(await stuck()).toEqual([id]);
    await db().uow.run((stores) => stores.rooms.close(id, at(2)));
    await db().uow.run((stores) => stores.rooms.clearClosing(id));
    expect(await stuck()).toEqual([id]);
    await db().uow.run((stores) => stores.rooms.closingDone(id));
    expect(await stuck()).toEqual([]);
    expect(await db().uow.run((stores) => stores.rooms.markClosing(id, at(3)))).toBe(false);
  });

  it('takes a mark back from an open room', async () => {
    const { id } = await insert({});
    await db().uow.run((stores) => stores.rooms.markClosing(id, at(1)));
    await db().uow.run((stores) => stores.rooms.closingDone(id));
    expect(await db().uow.run((stores) => stores.rooms.findById(id))).toMatchObject({ closing: true });
    await db().uow.run((stores) => stores.rooms.clearClosing(id));
    expect(await db().uow.run((stores) => stores.rooms.findById(id))).toMatchObject({ closing: false });
  });

  it('remembers whether the last room of a name was protected', async () => {
    const wasProtected = (since: Date) =>
      db().uow.run((stores) => stores.rooms.wasProtectedSince(db().domain, name('room'), since));
    const first = await insert({ name: name('room'), hostKey: 'k' });
    expect(await wasProtected(at(0))).toBe(false);
    await db().uow.run((stores) => stores.rooms.close(first.id, at(10)));
    expect(await wasProtected(at(9))).toBe(true);
    expect(await wasProtected(at(10))).toBe(false);
    const second = await insert({ name: name('room') });
    await db().uow.run((stores) => stores.rooms.close(second.id, at(20)));
    expect(await wasProtected(at(9))).toBe(false);
  });
}

function bookingTests(db: () => StoresUnderTest): void {
  const booking = (validUntil: Date, roomName = 'room'): Booking => ({
    id: brandAs<BookingId>(`bk_${Math.random()}`),
    domain: db().domain,
    roomName: name(roomName),
    validUntil,
  });
  const insert = (value: Booking, now: Date) => db().uow.run((stores) => stores.bookings.insert(value, now));
  const find = () => db().uow.run((stores) => stores.bookings.find(db().domain, name('room')));

  it('keeps a valid booking and replaces an expired one', async () => {
    const first = booking(at(10));
    expect(await insert(first, at(1))).toBe(true);
    expect(await insert(booking(at(20)), at(9))).toBe(false);
    expect(await find()).toEqual(first);
    const second = booking(at(30));
    expect(await insert(second, at(10))).toBe(true);
    expect(await find()).toEqual(second);
  });

  it('lets one of many who book at once win', async () => {
    const bookings = Array.from({ length: 10 }, () => booking(at(10)));
    const won = await Promise.all(bookings.map((each) => insert(each, at(1))));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await find()).toEqual(bookings[won.indexOf(true)]);
  });

  it('updates only a valid one', async () => {
    const update = (until: Date, now: Date) =>
      db().uow.run((stores) => stores.bookings.update(db().domain, name('room'), until, now));
    expect(await update(at(10), at(1))).toBe(false);
    await insert(booking(at(10)), at(1));
    expect(await update(at(20), at(9))).toBe(true);
    expect(await find()).toMatchObject({ validUntil: at(20) });
    expect(await update(at(30), at(20))).toBe(false);
  });

  it('lists by room name and removes', async () => {
    await insert(booking(at(10), 'b'), at(1));
    await insert(booking(at(10), 'a'), at(1));
    const list = async (domain: DomainName) =>
      (await db().uow.run((stores) => stores.bookings.list(domain))).map((each) => each.roomName);
    expect(await list(db().domain)).toEqual(['a', 'b']);
    expect(await list(db().otherDomain)).toEqual([]);
    const remove = () => db().uow.run((stores) => stores.bookings.remove(db().domain, name('a')));
    expect([await remove(), await remove()]).toEqual([true, false]);
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
    expect(await add('https://a.test/x')).toMatchObject({ validated: false, roomName: null });
    expect(await db().uow.run((stores) => stores.webhooks.find(robot.id))).toEqual(robot);
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
    const outcome = () => db().uow.run((stores) => stores.webhooks.validationSince(id, at(1)));
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
  const event = (of: Room, type: NewOutboxEvent['type'] = 'room.created'): NewOutboxEvent => ({
    type,
    domain: of.domain,
    roomName: of.name,
    roomSessionId: of.id,
    payload: { capacity: 1 },
    occurredAt: at(1),
  });

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
    await db().uow.run((stores) => stores.outbox.append(event(one, 'room.removed')));
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

  it('answers null for what it does not know', async () => {
    expect(await db().uow.run((stores) => stores.tenancy.accountByAuthId('nobody'))).toBeNull();
    expect(await db().uow.run((stores) => stores.tenancy.accountByAuthId('a\0b'))).toBeNull();
    expect(await db().uow.run((stores) => stores.tenancy.domain(brandAs<DomainName>('no.test')))).toBeNull();
  });
}
