import { brandAs, type AccountId, type RoomName } from '@parley/domain';
import { eventually } from '@parley/testing';
import { tenantOf } from '../src/spreed/authenticator';
import { expectEvent } from './backend-poster';
import { DOMAIN } from './gateway';
import { TalkHouse } from './talk-house';

const house = new TalkHouse();
beforeAll(() => house.start());
afterAll(() => house.close());

// How soon, see backend-hello.int.spec.ts.
test('whom a removed backend let in is out, on all replicas; nobody else is', async () => {
  const { one, two, talk, stranger, region } = house;
  const [ada, bob] = await house.pair('token');
  const idle = await talk.user(two, 'idle');
  const bridge = await talk.service(two, 'bridge');
  await bridge.join('token');
  const addsession = { sessionid: 'call', roomid: 'token', userid: 'phone' };
  bridge.send({ type: 'internal', internal: { type: 'addsession', addsession } });
  await ada.expectJoined(bridge.sessionId);
  await expectEvent(ada, 'room', 'join');
  const lost = await talk.member(two, 'lost', 'token');
  const { resumeId } = lost;
  lost.drop();
  const eve = await stranger.member(one, 'eve', 'token');
  const { rooms } = region.rules(one);
  const { account } = await region.database.prisma.domain.findFirstOrThrow({ include: { account: true } });
  await rooms.init(brandAs<AccountId>(account.id), { domain: DOMAIN, name: brandAs<RoomName>('ours') });
  const visitor = await region.visitor(two, 'visitor', 'ours');
  await visitor.join(`${DOMAIN}/ours`);

  await talk.unregister();
  for (const client of [ada, bob, idle, bridge]) {
    expect(await client.expect('bye')).toMatchObject({ bye: { reason: 'backend_removed' } });
    await client.expectClosedForGood();
  }
  const back = await region.connect(one, 'back');
  await expect(back.helloResume(resumeId)).rejects.toThrow(/no_such_session/);
  await expect(talk.user(one, 'ada')).rejects.toThrow(/invalid_backend/);

  // The rest is the api's: it closes the rooms.
  await rooms.closeAllOfBackend(DOMAIN, { id: 'talk', scopesRooms: false });
  const open = await region.database.prisma.room.findMany({ where: { closedAt: null } });
  expect(open.map(({ name }) => name).sort()).toEqual(['ours', 'token@stranger']);
  await eve.fence();
  await visitor.fence();
});

test('who is just coming in when a backend is removed does not stay', async () => {
  const { one, two, stranger } = house;
  const rush = Array.from({ length: 20 }, (_, index) => stranger.user(index % 2 ? one : two, `u${index}`));
  await stranger.unregister();
  const came = (await Promise.allSettled(rush)).flatMap((outcome) =>
    outcome.status === 'fulfilled' ? [outcome.value] : [],
  );
  for (const client of came) await client.expectClosed();
  const left = () => Promise.all([one, two].map(({ live }) => live.sessions.count(tenantOf({ id: 'stranger' }))));
  await eventually(async () => (await left()).every((count) => count === 0), 'no session of the removed backend');
});
