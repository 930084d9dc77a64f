import { brandAs, type RoomName, type WebhookId } from '@parley/domain';
import { eventually } from '@parley/testing';
import { AdminError, type MoveStatus } from '../src';
import { countRows } from '../src/moving/domain-rows';
import { TENANT_TABLES } from '../src/moving/tables';
import { room } from './fixtures';
import { DOMAIN, EU, fillDomain, MovingWorld, SECRET, US } from './moving-world';

// Databases are made, and thousands of rows moved, on machines that have much else to do.
jest.setTimeout(180_000);

let world: MovingWorld;
beforeEach(async () => {
  world = await MovingWorld.start();
  await fillDomain(world.eu);
});
afterEach(() => world.close());

const wish = { to: US.id, closeRooms: false };

/** Goes on until the move is done; a move that stands still fails. */
async function move(step: () => Promise<MoveStatus>): Promise<MoveStatus> {
  for (let steps = 0; steps < 500; steps += 1) {
    const status = await step();
    if (status.phase === 'done') return status;
  }
  throw new Error('the move does not end');
}

/** Goes on until the domain is frozen: whatever transaction is under way, as on a busy machine, is waited for. */
async function frozen(step: () => Promise<MoveStatus>): Promise<MoveStatus> {
  for (let steps = 0; steps < 500; steps += 1) {
    const status = await step();
    if (status.phase !== 'freezing') return status;
  }
  throw new Error('the domain is not frozen');
}

async function refusal(work: Promise<unknown>): Promise<string> {
  return work.then(
    (value) => `no refusal but ${JSON.stringify(value)}`,
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
  );
}

/** All rows of the domain as they are stored, without what the seals make of secrets. */
async function rowsIn(region: MovingWorld['eu']): Promise<Record<string, unknown[]>> {
  const rows: Record<string, unknown[]> = {};
  for (const { name, key } of TENANT_TABLES) {
    const found = await region.db.prisma.$queryRawUnsafe<{ row: Record<string, unknown> }[]>(
      `SELECT to_jsonb(t) AS row FROM "${name}" t ORDER BY "${key[0]}"`,
    );
    rows[name] = found.map(({ row }) =>
      Object.fromEntries(Object.entries(row).filter(([column, value]) => !column.endsWith('Sealed') || value === null)),
    );
  }
  return rows;
}

test('every table that holds what domains have is moved', async () => {
  const { prisma } = world.eu.db;
  const linked = await prisma.$queryRaw<{ name: string }[]>`
    WITH RECURSIVE below AS (
      SELECT conrelid AS id FROM pg_constraint WHERE contype = 'f' AND confrelid = '"Domain"'::regclass
      UNION SELECT c.conrelid FROM pg_constraint c JOIN below ON c.confrelid = below.id WHERE c.contype = 'f'
    ), named AS (
      SELECT attrelid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      WHERE attname = 'domainName' AND c.relkind = 'r' AND c.relname NOT IN ('DirectoryHost', 'DomainMove', 'DepartedId')
    )
    SELECT relname AS name FROM pg_class WHERE oid IN (SELECT id FROM below UNION SELECT attrelid FROM named) ORDER BY 1`;
  expect(linked.map(({ name }) => name)).toEqual(TENANT_TABLES.map(({ name }) => name).sort());
  const counts = await countRows(prisma, DOMAIN);
  expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([]);
});

test('a plan says what would be moved and what stands in the way, and changes nothing', async () => {
  expect(await world.eu.moving.moves.plan(DOMAIN, US.id)).toMatchObject({
    from: EU.id,
    to: US.id,
    openRooms: 0,
    obstacles: [],
    rows: { OutboxEvent: 1_450, Room: 1, Backend: 1 },
  });
  await world.us.admin.accounts.create('root', { slug: 'other' });
  await world.us.admin.domains.create('root', { name: 'other.example', account: 'other' });
  await world.us.db.prisma.backend.create({
    data: { id: 'nc', domainName: 'other.example', urls: [], secretSealed: 'x' },
  });
  await world.eu.db.prisma.backend.update({ where: { id: 'nc' }, data: { internalSecretSealed: 'lost:AAAA' } });
  const { obstacles } = await world.eu.moving.moves.plan(DOMAIN, US.id);
  expect(obstacles).toEqual([
    expect.stringContaining('Backend:nc:internalSecret does not open'),
    'us-1 has the Backend nc already.',
  ]);
  expect(await refusal(world.eu.moving.moves.step('root', DOMAIN, wish))).toBe('invalid');
  expect(await world.eu.db.prisma.domainMove.count()).toBe(0);
  expect((await world.eu.admin.domains.get(DOMAIN)).movingTo).toBeNull();
});

test('a domain moves with all it has, and works at its new home', async () => {
  const before = await rowsIn(world.eu);
  const done = await move(() => world.eu.moving.moves.step('root', DOMAIN, wish));
  expect(done).toMatchObject({ phase: 'done', rowsDone: done.rowsTotal });
  expect(await rowsIn(world.us)).toEqual(before);
  expect(Object.values(await rowsIn(world.eu)).flat()).toEqual([]);
  expect(await world.directory.domain(DOMAIN)).toEqual({ region: US.id, epoch: 2, strictResidency: false });
  expect(await world.directory.movedId('webhook', 2049)).toBe(US.id);
  expect(await world.directory.movedId('robot', 1025)).toBe(US.id);
  expect(await world.directory.regionsOf('auth-acme')).toEqual([EU.id, US.id]);
  const { uow, stores, sealer, prisma } = world.us.db;
  expect(await stores.tenancy.domain(DOMAIN)).toMatchObject({ region: US.id, webhookKey: 'hook' });
  expect(await stores.tenancy.accountByAuthId('auth-acme')).toMatchObject({ secret: 'acme-secret' });
  const { secretSealed } = await prisma.backend.findUniqueOrThrow({ where: { id: 'nc' } });
  expect(secretSealed).toMatch(/^us:/);
  expect(sealer.open({ table: 'Backend', row: 'nc', column: 'secret' }, secretSealed)).toBe(SECRET);
  // Writes are taken, and what happens there comes after what came along.
  const made = await uow.run(async ({ webhooks, outbox }) => {
    await outbox.append({
      ...{ type: 'booking.removed', domain: DOMAIN, roomName: brandAs<RoomName>('b'), roomSessionId: null },
      ...{ payload: { id: 'bk_1', validUntil: new Date().toISOString() }, occurredAt: new Date() },
    });
    const target = { type: 'url', url: 'https://n.example/' } as const;
    return webhooks.insert({ domain: DOMAIN, roomName: null, target }, new Date());
  });
  expect(made.id % 1024).toBe(US.number);
  await world.relay(world.us);
  const last = await prisma.outboxEvent.findFirstOrThrow({ orderBy: { position: 'desc' } });
  expect(last).toMatchObject({ type: 'booking.removed' });
  expect(last.position).toBeGreaterThan(6_449n);
  expect(await refusal(world.eu.db.stores.tenancy.domain(DOMAIN))).toBe('wrong_region');
  expect(await refusal(world.eu.moving.moves.step('root', DOMAIN, { ...wish, to: EU.id }))).toBe('taken');
});

test('writes are refused with something to try again while it moves, at both ends, and reads go on', async () => {
  let calls = 0;
  world.onCall = () => {
    calls += 1;
  };
  await frozen(() => world.eu.moving.moves.step('root', DOMAIN, wish));
  expect(calls).toBeGreaterThan(0);
  await world.eu.moving.moves.step('root', DOMAIN, wish);
  const { uow, stores, prisma } = world.eu.db;
  const name = brandAs<RoomName>('b');
  const now = new Date();
  for (const write of [
    () => uow.run(({ bookings }) => bookings.remove(DOMAIN, name, now)),
    () => uow.run(({ robots }) => robots.insert({ domain: DOMAIN, name: 'r' }, 'h', now)),
    () => uow.run(({ webhooks }) => webhooks.remove(brandAs<WebhookId>(2049), now)),
    () =>
      uow.run(({ webhookSecrets }) =>
        webhookSecrets.add(brandAs<WebhookId>(2049), { text: 's', signsUntil: null }, now),
      ),
    () => uow.run(({ tenancy }) => tenancy.replaceWebhookKey(DOMAIN, 'k', null)),
    () => world.eu.admin.domains.update('root', DOMAIN, { capacity: 5 }),
    () => world.eu.admin.domains.delete('root', DOMAIN),
  ] as (() => Promise<unknown>)[]) {
    expect(await refusal(write())).toBe('domain_moving');
  }
  expect(await stores.bookings.list(DOMAIN)).toHaveLength(1);
  expect(await prisma.webhook.findMany({ select: { frozen: true } })).toEqual([{ frozen: true }]);
  // Nothing that is written for many domains at once fails because of one that moves.
  await uow.run(({ bookings }) => bookings.takeExpired(new Date('2040-01-01'), 100));
  expect(await stores.bookings.list(DOMAIN)).toHaveLength(1);
  await world.relay(world.eu);
});

test('open rooms keep it where it is, unless they are to be closed', async () => {
  await world.eu.db.prisma.room.updateMany({ data: { closedAt: null } });
  expect(await refusal(world.eu.moving.moves.step('root', DOMAIN, wish))).toBe('rooms_open');
  expect((await world.eu.admin.domains.get(DOMAIN)).movingTo).toBeNull();
  await move(() => world.eu.moving.moves.step('root', DOMAIN, { ...wish, closeRooms: true }));
  expect(await world.us.db.prisma.room.count({ where: { closedAt: null } })).toBe(0);
});

test('who is thrown out of a room that is closed for the move opens none in its place', async () => {
  await world.eu.db.prisma.room.updateMany({ data: { closedAt: null } });
  const reopening: string[] = [];
  world.onClosed = async () => {
    const again = room({ domain: DOMAIN, name: brandAs<RoomName>('a') });
    const opened = world.eu.db.uow.run(({ rooms }) => rooms.insert(again));
    reopening.push(await refusal(opened));
  };
  await frozen(() => world.eu.moving.moves.step('root', DOMAIN, { ...wish, closeRooms: true }));
  // The closing may be repeated.
  expect(new Set(reopening)).toEqual(new Set(['domain_moving']));
  expect(await world.eu.db.prisma.room.count({ where: { closedAt: null } })).toBe(0);
});

test('a closing that fails is made good by the next step, or by taking the move back', async () => {
  await world.eu.db.prisma.room.updateMany({ data: { closedAt: null } });
  const closing = { ...wish, closeRooms: true };
  const failOnce = () => {
    world.onClosed = async () => {
      world.onClosed = () => Promise.resolve();
      throw new Error('killed');
    };
  };
  const step = () => world.eu.moving.moves.step('root', DOMAIN, closing);
  failOnce();
  await expect(frozen(step)).rejects.toThrow('killed');
  expect((await world.eu.admin.domains.get(DOMAIN)).movingTo).toBe(US.id);
  await world.eu.moving.moves.cancel('root', DOMAIN);
  expect((await world.eu.admin.domains.get(DOMAIN)).movingTo).toBeNull();
  failOnce();
  await expect(frozen(step)).rejects.toThrow('killed');
  await move(step);
});

test('a region that is being emptied is no place to move to', async () => {
  const entry = { apiUrl: 'https://us.test', signalingUrl: 'wss://us.test', position: null, group: null } as const;
  await world.directory.changes.addRegion({ ...entry, ...US, state: 'draining' });
  expect((await world.eu.moving.moves.plan(DOMAIN, US.id)).obstacles).toEqual([
    'us-1 is draining and takes nothing new.',
  ]);
  expect(await refusal(world.eu.moving.moves.step('root', DOMAIN, wish))).toBe('invalid');
  await world.directory.changes.changeRegion(US.id, { state: 'serving' });
  await world.eu.moving.moves.step('root', DOMAIN, wish);
  // One that began before goes on: half-way is no place to stay.
  await world.directory.changes.changeRegion(US.id, { state: 'draining' });
  await move(() => world.eu.moving.moves.step('root', DOMAIN, wish));
});

test('what began before the freezing is waited for, and told of before it is copied', async () => {
  const { prisma } = world.eu.db;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  let began: () => void = () => undefined;
  const beginning = new Promise<void>((resolve) => (began = resolve));
  const slow = prisma.$transaction(
    async (tx) => {
      await tx.domain.findUniqueOrThrow({ where: { name: DOMAIN } });
      began();
      await finished;
    },
    { timeout: 30_000 },
  );
  await beginning;
  expect(await world.eu.moving.moves.step('root', DOMAIN, wish)).toMatchObject({
    phase: 'freezing',
    waitingFor: 'transactions',
  });
  finish();
  await slow;
  await prisma.$executeRaw`UPDATE "OutboxEvent" SET "relayedAt" = NULL, position = NULL WHERE id = 'evt_1449'`;
  await eventually(async () => {
    const looked = await world.eu.moving.moves.step('root', DOMAIN, wish);
    expect(looked).toMatchObject({ phase: 'freezing', waitingFor: '1 events' });
    return true;
  }, 'the event to be waited for');
  await world.relay(world.eu);
  const status = await frozen(() => world.eu.moving.moves.step('root', DOMAIN, wish));
  expect(status).toMatchObject({ phase: 'copying', waitingFor: null });
});

test('it goes on wherever it was interrupted, and arrives whole', async () => {
  const before = await rowsIn(world.eu);
  const calls = new Set<string>();
  // Each call between the regions breaks once before it is made and once after: as often as it does, the process is another.
  world.onCall = (call) => {
    if (calls.has(call)) return;
    calls.add(call);
    world.eu.moving = world.movingOf(world.eu.db);
    throw new Error(`killed ${call}`);
  };
  const step = () =>
    world.eu.moving.moves.step('root', DOMAIN, wish).catch((error: unknown) => {
      if (!(error instanceof Error) || !error.message.startsWith('killed')) throw error;
      return world.eu.moving.moves.status(DOMAIN);
    });
  await move(step);
  expect(calls.size).toBeGreaterThan(2 * TENANT_TABLES.length);
  expect(await rowsIn(world.us)).toEqual(before);
  expect(Object.values(await rowsIn(world.eu)).flat()).toEqual([]);
});

test('it ends however slow the databases are: every step does something', async () => {
  const before = await rowsIn(world.eu);
  // As if seconds passed between two looks at the clock.
  let now = 0;
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => (now += 5_000));
  try {
    await move(() => world.eu.moving.moves.step('root', DOMAIN, wish));
  } finally {
    clock.mockRestore();
  }
  expect(await rowsIn(world.us)).toEqual(before);
  expect(Object.values(await rowsIn(world.eu)).flat()).toEqual([]);
});

test('until the directory is told a move can be taken back, and begun again', async () => {
  await world.eu.moving.moves.step('root', DOMAIN, wish);
  await world.eu.moving.moves.cancel('root', DOMAIN);
  expect(await world.us.db.prisma.domain.count()).toBe(0);
  await world.eu.db.uow.run(({ webhooks }) => webhooks.remove(brandAs<WebhookId>(2049), new Date()));
  expect(await refusal(world.eu.moving.moves.status(DOMAIN))).toBe('not_found');
  await move(() => world.eu.moving.moves.step('root', DOMAIN, wish));
  const { removedAt } = await world.us.db.prisma.webhook.findUniqueOrThrow({ where: { id: 2049n } });
  expect(removedAt).not.toBeNull();
  expect(await refusal(world.eu.moving.moves.cancel('root', DOMAIN))).toBe('invalid');
});

test('it comes back', async () => {
  const before = await rowsIn(world.eu);
  await move(() => world.eu.moving.moves.step('root', DOMAIN, wish));
  await move(() => world.us.moving.moves.step('root', DOMAIN, { to: EU.id, closeRooms: false }));
  expect(await rowsIn(world.eu)).toEqual(before);
  expect(await world.directory.domain(DOMAIN)).toMatchObject({ region: EU.id, epoch: 3 });
  expect(await world.directory.movedId('webhook', 2049)).toBe(EU.id);
  expect(await world.eu.db.stores.tenancy.domain(DOMAIN)).toMatchObject({ webhookKey: 'hook' });
});

test('a domain that was deleted at its new home and made here anew can move as well', async () => {
  await move(() => world.eu.moving.moves.step('root', DOMAIN, wish));
  await world.us.admin.domains.delete('root', DOMAIN);
  await world.eu.admin.domains.create('root', { name: DOMAIN, account: 'acme' });
  expect(await frozen(() => world.eu.moving.moves.step('root', DOMAIN, wish))).toMatchObject({ phase: 'copying' });
  await move(() => world.eu.moving.moves.step('root', DOMAIN, wish));
  expect(await world.us.db.stores.tenancy.domain(DOMAIN)).toMatchObject({ region: US.id });
});

test('a copy that differs is not switched to', async () => {
  world.onCall = (call) => {
    if (call !== 'before counts') return;
    world.onCall = () => undefined;
    throw new AdminError('invalid', 'not yet');
  };
  while ((await refusal(world.eu.moving.moves.step('root', DOMAIN, wish))).startsWith('no refusal'));
  await world.us.db.prisma.$executeRaw`DELETE FROM "WebhookAttempt"`;
  await expect(world.eu.moving.moves.step('root', DOMAIN, wish)).rejects.toThrow('WebhookAttempt (1 here, 0 there)');
  expect(await world.directory.domain(DOMAIN)).toMatchObject({ region: EU.id, epoch: 1 });
});
