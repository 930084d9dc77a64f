import { Operator, SECRET, talkUser } from './cloud';
import { FakeNextcloud } from './fake-nextcloud';
import { TestRegion } from './gateway';

let region: TestRegion;
let operator: Operator;
let former: FakeNextcloud;
let successor: FakeNextcloud;

beforeAll(async () => {
  region = await TestRegion.start();
  operator = new Operator(region);
  [former, successor] = await Promise.all([FakeNextcloud.start(SECRET), FakeNextcloud.start(SECRET)]);
});
afterAll(async () => {
  await operator.close();
  await region.close();
  await former.close();
  await successor.close();
});

test('a backend that comes after another one of its domain does not enter the rooms that one left behind', async () => {
  const replica = await region.replica();
  await operator.add('former', [former.url]);
  const ada = await talkUser(region, replica, former, 'ada');
  await ada.join('token', { sessionid: 'ada' });
  await ada.expectJoined(ada.sessionId);
  await operator.remove('former');
  await operator.add('successor', [successor.url]);
  const eve = await talkUser(region, replica, successor, 'eve');
  await eve.join('token', { sessionid: 'eve' });
  await eve.expectJoined(eve.sessionId);
  const names = (await region.database.prisma.room.findMany({ where: { closedAt: null } })).map(({ name }) => name);
  expect(names.sort()).toEqual(['token', 'token@successor']);
  await ada.expectClosedForGood();
  await eve.fence();
});

test('one that is added again under its id finds its rooms under their names', async () => {
  const replica = await region.replica();
  await operator.remove('successor');
  await operator.add('former', [former.url]);
  const bob = await talkUser(region, replica, former, 'bob');
  await bob.join('other', { sessionid: 'bob' });
  await bob.expectJoined(bob.sessionId);
  const rooms = await region.database.prisma.room.findMany({ where: { closedAt: null, name: 'other' } });
  expect(rooms).toHaveLength(1);
});
