import {
  BookingService,
  brandAs,
  cryptoIds,
  isDomainError,
  RoomService,
  type DomainName,
  type RoomName,
  type UnitOfWork,
} from '@parley/domain';
import { createDatabase, type Database } from '@parley/persistence';
import { eventually } from '@parley/testing';
import { FakeLiveRooms } from './fake-live-rooms';
import { account, domain, EU, MASTER_KEYS, room } from './fixtures';
import { refusal } from './house';
import { putTenant, TestDatabases } from './test-database';

const clock = { now: () => new Date() };
const owner = account('a').id;
const A = brandAs<DomainName>('a.test');
const ROOM = brandAs<RoomName>('room');

describe('the database', () => {
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

  const services = (on: Database) => ({
    rooms: new RoomService(on.uow, new FakeLiveRooms(), clock, cryptoIds),
    bookings: new BookingService(on.uow, clock, cryptoIds),
  });

  it('opens one room and writes one event when 20 init the same name at once from two replicas', async () => {
    const { db: second } = await databases.open({ url });
    const rooms = [services(db).rooms, services(second).rooms];
    await Promise.all([db, second].map(connectAll));
    const opened = await Promise.all(
      Array.from({ length: 20 }, (_, n) => rooms[n % 2]!.init(owner, { domain: A, name: ROOM, addHostKey: n % 3 > 0 })),
    );
    expect(new Set(opened.map((each) => each.id)).size).toBe(1);
    expect(new Set(opened.flatMap((each) => each.hostKey ?? [])).size).toBe(1);
    expect(await db.prisma.room.count()).toBe(1);
    const events = await db.prisma.outboxEvent.findMany({ orderBy: { seq: 'asc' } });
    // The one who opened it may not have asked for a host key; then another one added it.
    const added = events.length === 1 ? [] : ['room.updated'];
    expect(events.map(({ type }) => type)).toEqual(['room.created', ...added]);
  });

  it('lets exactly one of 20 who open with different options win, and refuses the others', async () => {
    const { rooms } = services(db);
    await connectAll(db);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => rooms.init(owner, { domain: A, name: ROOM, password: `p${n}` })),
    );
    const refused = outcomes.filter(
      (each) => each.status === 'rejected' && isDomainError(each.reason, 'room_exists_differently'),
    );
    expect([outcomes.length - refused.length, refused.length]).toEqual([1, 19]);
    expect(await db.prisma.outboxEvent.count()).toBe(1);
  });

  it('lets one of 20 bookings at once stand', async () => {
    const { bookings } = services(db);
    await connectAll(db);
    const validUntil = new Date(Date.now() + 3_600_000);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => bookings.add(owner, { domain: A, roomName: ROOM, validUntil })),
    );
    expect(outcomes.filter((each) => each.status === 'fulfilled')).toHaveLength(1);
  });

  it('gives a room the capacity that its domain got while the room was being opened', async () => {
    const { rooms } = services(db);
    const { db: second } = await databases.open({ url });
    const overtaken: UnitOfWork = {
      run: (work) =>
        second.uow.run(async (stores) => {
          const outcome = await work(stores);
          await db.prisma.domain.update({ where: { name: A }, data: { capacity: 7 } });
          expect(await rooms.setCapacity(A, 7)).toEqual([]);
          return outcome;
        }),
    };
    const opener = new RoomService(overtaken, new FakeLiveRooms(), clock, cryptoIds);
    const { id, policy } = await opener.init(owner, { domain: A, name: ROOM });
    expect(policy.capacity).toBe(100);
    expect(await rooms.reconcile()).toEqual({ done: 1, failures: [] });
    expect(await rooms.reconcile()).toEqual({ done: 0, failures: [] });
    expect(await db.stores.rooms.findById(id)).toMatchObject({
      policy: { capacity: 7, version: policy.version + 1 },
    });
    const events = await db.prisma.outboxEvent.findMany({ orderBy: { seq: 'asc' } });
    expect(events.map(({ type }) => type)).toEqual(['room.created', 'room.updated']);
  });

  it('keeps times right on a server of another time zone', async () => {
    const name = new URL(url).pathname.slice(1);
    await db.prisma.$executeRawUnsafe(`ALTER DATABASE "${name}" SET timezone TO 'America/New_York'`);
    const { db: fresh } = await databases.open({ url });
    const stored = room({ closeAfter: new Date('2026-07-01T10:20:30.456Z') });
    await fresh.uow.run((stores) => stores.rooms.insert(stored));
    expect(await fresh.stores.rooms.findById(stored.id)).toMatchObject({ closeAfter: stored.closeAfter });
    const [row] = await fresh.prisma.$queryRaw<Array<{ epoch: number }>>`
      SELECT extract(epoch FROM "closeAfter")::float8 AS epoch FROM "Room"`;
    expect(row?.epoch).toBe(stored.closeAfter!.getTime() / 1000);
    const { bookings } = services(fresh);
    const validUntil = new Date(Date.now() + 60_000);
    const booking = await bookings.add(owner, { domain: A, roomName: ROOM, validUntil });
    expect(await bookings.get(owner, A, ROOM)).toEqual({ ...booking, validUntil });
  });

  it('holds no secret in the clear in any column of any table', async () => {
    const { rooms } = services(db);
    const opened = await rooms.init(owner, { domain: A, name: ROOM, password: 'the room password', addHostKey: true });
    await rooms.setPassword(owner, A, ROOM, 'another password');
    const text = await everything(db);
    for (const secret of ['secret-a', 'hook-a', 'the room password', 'another password', opened.hostKey!]) {
      expect(text).not.toContain(secret);
    }
    expect(text).toContain(opened.id);
  });

  it('gives no secret to a database with another master key', async () => {
    const masterKeys = `k1:${Buffer.alloc(32, 9).toString('base64')}`;
    const { db: thief } = await databases.open({ url, masterKeys });
    await expect(thief.stores.tenancy.accountByAuthId('auth-a')).rejects.toThrow('Account:acc_a:secret does not open');
  });

  it('does not know a disabled account', async () => {
    await db.prisma.account.update({ where: { id: owner }, data: { disabledAt: new Date() } });
    expect(await db.stores.tenancy.accountByAuthId('auth-a')).toBeNull();
  });

  it('says unavailable when the server is away', async () => {
    const away = createDatabase({ url: 'postgresql://nobody@127.0.0.1:1/none', masterKeys: MASTER_KEYS, region: EU });
    try {
      expect(await away.healthy()).toBe(false);
      expect(await refusal(away.uow.run((stores) => stores.tenancy.domain(A)))).toBe('unavailable');
      expect(await refusal(away.stores.tenancy.domain(A))).toBe('unavailable');
    } finally {
      await away.close();
    }
    await eventually(() => db.healthy(), 'the one that is there to say so');
  });

  it('recovers after its connections were cut, in the middle of a transaction too', async () => {
    const { db: other } = await databases.open({ url });
    const cut = () => other.prisma.$executeRaw`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
    await db.stores.tenancy.domain(A);
    const broken = db.uow.run(async (stores) => {
      await stores.rooms.insert(room());
      await cut();
      return stores.rooms.listOpen(A);
    });
    expect(await refusal(broken)).toBe('unavailable');
    // A connection that lay idle may be found to be broken by who is given it first.
    const again = await eventually(async () => ({ open: await db.stores.rooms.listOpen(A) }), 'the database to answer');
    expect(again).toEqual({ open: [] });
  });
});

/** Fills the pool, so that a race is not decided by who got the first connection. */
async function connectAll(db: Database): Promise<void> {
  await Promise.all(Array.from({ length: 10 }, () => db.prisma.$queryRaw`SELECT pg_sleep(0.05)::text`));
}

/** Every row of every table as text. */
async function everything(db: Database): Promise<string> {
  const tables = await db.prisma.$queryRaw<Array<{ name: string }>>`
    SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`;
  const texts: string[] = [];
  for (const { name } of tables) {
    const rows = await db.prisma.$queryRawUnsafe<Array<{ text: string }>>(
      `SELECT row_to_json(each)::text AS text FROM "${name}" AS each`,
    );
    texts.push(...rows.map(({ text }) => text));
  }
  return texts.join('\n');
}
