import { brandAs, type DeliveryId } from '@parley/domain';
import { createAccountStores, createDomainHomes, DeliveryUpkeepStore, type MoveStatus } from '../src';
import { DOMAIN, EU, fillDomain, MovingWorld, US } from './moving-world';

// Databases are made, and thousands of rows moved, on machines that have much else to do.
jest.setTimeout(180_000);

let world: MovingWorld;
beforeEach(async () => {
  world = await MovingWorld.start();
  await fillDomain(world.eu);
});
afterEach(() => world.close());

async function move(step: () => Promise<MoveStatus>): Promise<void> {
  for (let steps = 0; steps < 500; steps += 1) if ((await step()).phase === 'done') return;
  throw new Error('the move does not end');
}

const toUs = () => world.eu.moving.moves.step('root', DOMAIN, { to: US.id, closeRooms: false });
const toEu = () => world.us.moving.moves.step('root', DOMAIN, { to: EU.id, closeRooms: false });

test('a region remembers where what left it went, until it comes back', async () => {
  const homes = createDomainHomes(world.eu.db);
  expect(await homes.departed('delivery', 'dlv_1')).toBeNull();
  await move(toUs);
  const gone = { domain: DOMAIN, region: US.id };
  expect(await homes.departed('delivery', 'dlv_1')).toEqual(gone);
  expect(await homes.departed('delivery', 'dlv_1449')).toEqual(gone);
  expect(await homes.departed('webhook', '2049')).toEqual(gone);
  expect(await homes.departed('robot', '1025')).toEqual(gone);
  expect(await homes.departed('robot', '2049')).toBeNull();
  expect(await homes.departed('delivery', 'dlv_none')).toBeNull();
  const there = createDomainHomes(world.us.db);
  expect(await there.departed('delivery', 'dlv_1')).toBeNull();
  await move(toEu);
  expect(await homes.departed('delivery', 'dlv_1')).toBeNull();
  expect(await there.departed('delivery', 'dlv_1')).toEqual({ domain: DOMAIN, region: EU.id });
});

test('it forgets what the domain would not keep any more, and nothing before', async () => {
  await move(toUs);
  const { prisma } = world.eu.db;
  const upkeep = new DeliveryUpkeepStore(prisma);
  await upkeep.deleteRemoved(10_000);
  expect(await prisma.departedId.count()).toBe(1_452);
  await prisma.departedId.updateMany({
    where: { kind: 'delivery' },
    data: { keptUntil: new Date(Date.now() - 1_000) },
  });
  expect(await upkeep.deleteRemoved(1_000)).toBe(1_000);
  await upkeep.deleteRemoved(1_000);
  expect(await prisma.departedId.findMany({ select: { kind: true }, orderBy: { kind: 'asc' } })).toEqual([
    { kind: 'robot' },
    { kind: 'webhook' },
  ]);
});

test('deliveries that the new home makes of events that came along are its own', async () => {
  await move(toUs);
  const { prisma } = world.us.db;
  await prisma.webhookDelivery.deleteMany({ where: { id: 'dlv_1449' } });
  const { id } = await prisma.webhook.findFirstOrThrow();
  const range = { since: new Date(0), until: new Date('2100-01-01'), after: 0n, limit: 10_000 };
  const { deliveries } = createAccountStores(world.us.db);
  const { webhookId } = (await deliveries.find(brandAs<DeliveryId>('dlv_1'))) ?? {};
  if (webhookId === undefined) throw new Error('the deliveries did not come along');
  expect(Number(id)).toBe(webhookId);
  await deliveries.replay(webhookId, ['room.created'], range);
  const made = await prisma.webhookDelivery.findFirstOrThrow({ where: { eventId: 'evt_1449' } });
  expect(made.id).toMatch(/^dlv_us-1_[0-9a-f]{32}$/);
});
