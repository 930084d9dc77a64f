import { standAt } from './standing';
import { DOMAIN, fillDomain, moveUntil, MovingWorld, US, WISH } from './moving-world';

// Databases are made, and thousands of rows moved, on machines that have much else to do.
jest.setTimeout(180_000);

let world: MovingWorld;
beforeEach(async () => {
  world = await MovingWorld.start();
  await fillDomain(world.eu);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await world.close();
});

const now = () => new Date();

test('nothing that comes over the wire touches a domain that lives there', async () => {
  const { arrivals } = world.eu.moving;
  await expect(arrivals.prepare(DOMAIN, { name: DOMAIN }, now())).rejects.toMatchObject({ code: 'taken' });
  await expect(arrivals.put(DOMAIN, 'Booking', [], now())).rejects.toMatchObject({ code: 'taken' });
  await expect(arrivals.abandon(DOMAIN, now())).rejects.toMatchObject({ code: 'taken' });
  await expect(arrivals.activate(DOMAIN, 2)).rejects.toMatchObject({ code: 'invalid' });
  await expect(arrivals.put(DOMAIN, 'Account', [], now())).rejects.toThrow();
});

test.each(['prepare', 'abandon'] as const)('%s that was let in before the move ended deletes nothing', async (act) => {
  const { arrivals } = world.us.moving;
  const row = { ...(await world.eu.db.prisma.domain.findUniqueOrThrow({ where: { name: DOMAIN } })) };
  const standing = standAt(world.us.db.prisma, 1);
  const asOf = now();
  const late = act === 'prepare' ? arrivals.prepare(DOMAIN, row, asOf) : arrivals.abandon(DOMAIN, asOf);
  await standing.arrived;
  await moveUntil('done', world.eu);
  standing.go();
  await expect(late).rejects.toMatchObject({ code: 'taken' });
  const { prisma } = world.us.db;
  expect(await prisma.outboxEvent.count()).toBe(1_450);
  expect(await prisma.domain.findMany({ select: { region: true, movingTo: true } })).toEqual([
    { region: US.id, movingTo: null },
  ]);
});

test('what was written for a move that was taken back does not get into the next one', async () => {
  const { prisma } = world.eu.db;
  const late: (() => Promise<void>)[] = [];
  const letters = world.us.moving.arrivals;
  world.us.moving = {
    ...world.us.moving,
    arrivals: new Proxy(letters, {
      get: (target, name) => {
        if (name === 'prepare') {
          return async (...args: Parameters<typeof target.prepare>) => {
            late.push(() => target.prepare(...args));
            return target.prepare(...args);
          };
        }
        if (name === 'put') {
          return async (...args: Parameters<typeof target.put>) => {
            if (args[1] === 'Booking') late.push(() => target.put(...args));
            return target.put(...args);
          };
        }
        return Reflect.get(target, name) as unknown;
      },
    }),
  };
  await moveUntil('switching', world.eu);
  await prisma.domainMove.updateMany({ data: { phase: 'copying' } });
  await world.eu.moving.moves.cancel('root', DOMAIN);
  world.us.moving = { ...world.us.moving, arrivals: letters };
  await prisma.booking.updateMany({ data: { roomName: 'another' } });
  await moveUntil('copying', world.eu);
  expect(late).toHaveLength(2);
  for (const letter of late) await expect(letter()).rejects.toMatchObject({ code: 'taken' });
  await moveUntil('done', world.eu);
  expect(await world.us.db.prisma.booking.findMany({ select: { roomName: true } })).toEqual([{ roomName: 'another' }]);
});

test('what says again that a domain is at home does not thaw it on its way out', async () => {
  await moveUntil('done', world.eu);
  const standing = standAt(world.us.db.prisma, 1);
  const late = world.us.moving.arrivals.activate(DOMAIN, 2);
  await standing.arrived;
  await moveUntil('copying', world.us, { ...WISH, to: world.eu.db.region.id });
  standing.go();
  await late;
  expect(await world.us.db.prisma.domain.findMany({ select: { movingTo: true } })).toEqual([
    { movingTo: world.eu.db.region.id },
  ]);
});

test('a domain comes back only when it has left completely', async () => {
  await moveUntil('deleting', world.eu);
  const back = { ...WISH, to: world.eu.db.region.id };
  expect((await world.us.moving.moves.plan(DOMAIN, back.to)).obstacles).toEqual([
    'eu-1 has the unfinished move of moves.example already.',
  ]);
  const row = { ...(await world.us.db.prisma.domain.findUniqueOrThrow({ where: { name: DOMAIN } })) };
  await expect(world.eu.moving.arrivals.prepare(DOMAIN, row, now())).rejects.toMatchObject({ code: 'taken' });
  await moveUntil('done', world.eu);
  await moveUntil('done', world.us, back);
  expect(await world.eu.db.prisma.outboxEvent.count()).toBe(1_450);
});

const anew = { name: DOMAIN, account: 'acme' };

test.each(['made', 'deleted'] as const)(
  'what was announced after its move was taken back keeps no name: %s',
  async (act) => {
    const { admin, db, moving } = world.us;
    const row = { ...(await world.eu.db.prisma.domain.findUniqueOrThrow({ where: { name: DOMAIN } })) };
    const asOf = now();
    await moveUntil('copying', world.eu);
    await world.eu.moving.moves.cancel('root', DOMAIN);
    await moving.arrivals.prepare(DOMAIN, row, asOf);
    // As long as it lives somewhere nobody can tell that it does not arrive.
    await expect(admin.domains.create('root', anew)).rejects.toMatchObject({ code: 'taken' });
    expect(await db.prisma.domain.count()).toBe(1);
    await world.eu.admin.domains.delete('root', DOMAIN);
    if (act === 'deleted') {
      await expect(admin.domains.delete('root', DOMAIN)).rejects.toMatchObject({ code: 'not_found' });
      expect(await db.prisma.domain.count()).toBe(0);
    } else {
      expect(await admin.domains.create('root', anew)).toMatchObject({ region: US.id, movingTo: null });
    }
  },
);

test('a name is not made anew where a domain of that name has not left completely', async () => {
  await moveUntil('deleting', world.eu);
  await world.us.admin.domains.delete('root', DOMAIN);
  await expect(world.eu.admin.domains.create('root', anew)).rejects.toMatchObject({ code: 'taken' });
  expect(await world.eu.db.prisma.domain.count()).toBe(1);
  await moveUntil('done', world.eu);
  await world.eu.admin.domains.create('root', anew);
});
