import { countRows } from '../src/moving/domain-rows';
import { DOMAIN, EU, fillDomain, moveUntil, MovingWorld, US, WISH } from './moving-world';
import { standAt, Standing } from './standing';

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

const TAKEN = { code: 'taken' };
const step = () => world.eu.moving.moves.step('root', DOMAIN, WISH);

/** Whether the domain takes writes at its old home, and sends what it has to tell. */
async function isServed(): Promise<void> {
  const { prisma } = world.eu.db;
  expect(await prisma.domain.findMany({ select: { region: true, movingTo: true } })).toEqual([
    { region: EU.id, movingTo: null },
  ]);
  expect(await prisma.webhook.findMany({ select: { frozen: true } })).toEqual([{ frozen: false }]);
  expect(await world.directory.domain(DOMAIN)).toMatchObject({ region: EU.id, epoch: 1 });
}

/** Begins a move that does not come to freeze the domain. Answers what the directory is told of it from then on. */
async function begin(): Promise<boolean[]> {
  const { changes } = world.directory;
  const tell = changes.setMoving.bind(changes);
  const told: boolean[] = [];
  changes.setMoving = () => Promise.reject(new Error('not yet'));
  await expect(step()).rejects.toThrow('not yet');
  changes.setMoving = async (...args) => {
    told.push(args[2]);
    await tell(...args);
  };
  expect(await world.eu.moving.moves.status(DOMAIN)).toMatchObject({ phase: 'freezing' });
  await isServed();
  return told;
}

test('who counted a whole copy does not switch to it while the move is taken back', async () => {
  const [counted, abandoned] = [new Standing(), new Standing()];
  world.onCall = (call) => {
    if (call === 'after counts') return counted.here();
    return call === 'after abandon' ? abandoned.here() : undefined;
  };
  const late = moveUntil('switching', world.eu);
  await counted.arrived;
  const cancelling = world.eu.moving.moves.cancel('root', DOMAIN);
  await abandoned.arrived;
  counted.go();
  await expect(late).rejects.toMatchObject(TAKEN);
  abandoned.go();
  await cancelling;
  await isServed();
  expect(await world.us.db.prisma.domain.count()).toBe(0);
  world.onCall = () => undefined;
  await moveUntil('done', world.eu);
});

// The first tells the directory, the second freezes.
test.each([1, 2])('a move that was taken back is not gone on with (at transaction %s of a step)', async (number) => {
  const told = await begin();
  const standing = standAt(world.eu.db.prisma, number);
  const late = step();
  await standing.arrived;
  await world.eu.moving.moves.cancel('root', DOMAIN);
  standing.go();
  await expect(late).rejects.toMatchObject(TAKEN);
  await isServed();
  expect(told.at(-1)).toBe(false);
});

test('who found open rooms does not thaw a domain that somebody else has frozen since', async () => {
  await begin();
  await world.eu.db.prisma.room.updateMany({ data: { closedAt: null } });
  const standing = standAt(world.eu.db.prisma, 3);
  const late = step();
  await standing.arrived;
  const announcing = new Standing();
  world.onCall = (call) => (call === 'before prepare' ? announcing.here() : undefined);
  const other = moveUntil('copying', world.eu, { ...WISH, closeRooms: true });
  await announcing.arrived;
  standing.go();
  await expect(late).rejects.toMatchObject(TAKEN);
  announcing.go();
  await other;
  expect(await world.eu.db.prisma.domain.findMany({ select: { movingTo: true } })).toEqual([{ movingTo: US.id }]);
  await moveUntil('done', world.eu);
});

test('who was to delete what is left deletes nothing of a domain that has come back', async () => {
  const before = await countRows(world.eu.db.prisma, DOMAIN);
  await moveUntil('deleting', world.eu);
  const standing = standAt(world.eu.db.prisma, 1);
  const late = step();
  await standing.arrived;
  await moveUntil('done', world.eu);
  await moveUntil('done', world.us, { ...WISH, to: EU.id });
  standing.go();
  await expect(late).rejects.toMatchObject(TAKEN);
  expect(await countRows(world.eu.db.prisma, DOMAIN)).toEqual(before);
  expect(await world.directory.domain(DOMAIN)).toMatchObject({ region: EU.id, epoch: 3 });
});
