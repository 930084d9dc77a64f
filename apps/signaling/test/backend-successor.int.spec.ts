import { TalkServer } from './backend-poster';
import { TestRegion } from './gateway';

let region: TestRegion;
let former: TalkServer;
let successor: TalkServer;

beforeAll(async () => {
  region = await TestRegion.start();
});
afterAll(async () => {
  await region.close();
  await former.close();
  await successor.close();
});

test('a backend that comes after another one of its domain does not enter the rooms that one left behind', async () => {
  const replica = await region.replica();
  former = await TalkServer.start(region, 'former');
  const ada = await former.member(replica, 'ada', 'token');
  await former.unregister();
  successor = await TalkServer.start(region, 'successor');
  const eve = await successor.member(replica, 'eve', 'token');
  const names = (await region.database.prisma.room.findMany({ where: { closedAt: null } })).map(({ name }) => name);
  expect(names.sort()).toEqual(['token', 'token@successor']);
  await ada.expectClosedForGood();
  await eve.fence();
});

test('one that is added again under its id finds its rooms under their names', async () => {
  const replica = await region.replica();
  await successor.unregister();
  await former.register();
  await former.member(replica, 'bob', 'other');
  const rooms = await region.database.prisma.room.findMany({ where: { closedAt: null, name: 'other' } });
  expect(rooms).toHaveLength(1);
});
