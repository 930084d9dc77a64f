import { brandAs, isDomainError, type RoomName } from '@parley/domain';
import { DOMAIN } from './gateway';
import { inEveryLayoutAndPolling } from './layouts';
import { TalkHouse } from './talk-house';

const house = new TalkHouse();
const { here } = house;

/** A room of ours in the backend's domain: only the domain's owner can open one there. */
async function openByOwner(room: string): Promise<void> {
  const domain = await house.region.database.stores.tenancy.domain(DOMAIN);
  if (domain === null) throw new Error('the demo domain is missing');
  await house.region.rules(house.one).rooms.init(domain.accountId, { domain: DOMAIN, name: brandAs<RoomName>(room) });
}

inEveryLayoutAndPolling(house, () => {
  test('its users meet in its rooms, across replicas', async () => {
    const ada = await house.talk.user(house.one, 'ada');
    const bob = await house.talk.user(house.two, 'bob with space');
    const answer = await ada.join(here('token1'), { sessionid: here('nc/ada+1') });
    expect(answer.room).toEqual({ roomid: here('token1'), properties: { name: here('token1') } });
    await ada.expectJoined(ada.sessionId);
    await bob.join(here('token1'), { sessionid: here('nc/bob+1') });
    const joined = await ada.expectJoined(bob.sessionId);
    expect((joined.event as { join: unknown[] }).join).toEqual([
      {
        sessionid: bob.sessionId,
        userid: 'bob with space',
        user: { displayname: 'Displayname bob with space' },
        roomsessionid: here('nc/bob+1'),
      },
    ]);
    bob.message({ type: 'user', userid: 'ada' }, 'hi');
    expect((await ada.expect('message')).message).toMatchObject({ sender: { userid: 'bob with space' }, data: 'hi' });
    expect(house.talk.cloud.requests.find(({ room }) => room?.sessionid === here('nc/ada+1'))?.room).toEqual({
      version: '1.0',
      roomid: here('token1'),
      userid: 'ada',
      sessionid: here('nc/ada+1'),
    });
    const open = await house.region.database.prisma.room.findFirstOrThrow({
      where: { name: here('token1'), closedAt: null },
    });
    expect(open.domainName).toBe(DOMAIN);
  });

  test("the backend's refusals are passed on, and the connection lives", async () => {
    const client = await house.region.connect(house.one, 'Eve');
    const bad = client.helloV1({ url: house.talk.cloud.url, params: { userid: 'eve', ticket: 'bad' } });
    await expect(bad).rejects.toThrow(/invalid_ticket/);
    await client.helloV1({ url: house.talk.cloud.url, params: { userid: 'eve', ticket: 'good' } });
    await client.join(here('token2'));
    await expect(client.join('secret-room')).rejects.toThrow(/no_such_room/);
    // It stays where it was.
    expect((await client.request('room', { roomid: here('token2') })).error).toMatchObject({
      code: 'already_joined',
      details: { room: { roomid: here('token2'), properties: { name: here('token2') } } },
    });
  });

  test('orders need the permission, if the backend knows permissions', async () => {
    const ada = await house.talk.user(house.one, 'ada');
    const bob = await house.talk.user(house.two, 'bob');
    const order = { type: 'control', control: { recipient: { type: 'room' }, data: 'mute' } };
    for (const client of [ada, bob]) await client.join(here('quiet-room'));
    ada.send(order);
    ada.message({ type: 'room' }, 'end of the quiet room');
    await bob.expectNothing('control', 'message');
    for (const client of [ada, bob]) await client.join(here('loud-room'));
    ada.send(order);
    await bob.expect('control');
  });

  test('a session resumes on the other replica and is still in its room', async () => {
    const ada = await house.talk.user(house.one, 'ada');
    await ada.join(here('token3'), { sessionid: here('nc/ada+3') });
    // Who polls has the answer for certain when it polls again: else it comes once more after the resume.
    expect((await ada.request('room', { roomid: here('token3') })).error).toMatchObject({ code: 'already_joined' });
    ada.drop();
    await ada.expectClosed();
    const again = await house.region.connect(house.two, 'ada again');
    expect((await again.helloResume(ada.resumeId)).hello).toMatchObject({ userid: 'ada' });
    expect((await again.request('room', { roomid: here('token3') })).error).toMatchObject({ code: 'already_joined' });
    await again.leave();
  });

  test('sessions of another tenant cannot be reached', async () => {
    const ada = await house.talk.user(house.one, 'ada');
    await openByOwner(here('elsewhere'));
    const visitor = await house.region.visitor(house.two, 'Visitor', here('elsewhere'), { userId: 'ada' });
    visitor.message({ type: 'session', sessionid: ada.sessionId }, 'psst');
    visitor.message({ type: 'user', userid: 'ada' }, 'psst');
    await visitor.fence();
    const friend = await house.talk.user(house.two, 'friend');
    friend.message({ type: 'session', sessionid: ada.sessionId }, 'marker');
    await ada.expectNothing(
      (frame) => (frame.message as { data?: unknown } | undefined)?.data === 'psst',
      (frame) => (frame.message as { data?: unknown } | undefined)?.data === 'marker',
    );
  });

  test('nobody enters its room with a ticket of ours', async () => {
    const ada = await house.talk.user(house.one, 'ada');
    await ada.join(here('token4'), { sessionid: here('nc/ada+4') });
    const entered = house.region.visitor(house.two, 'Eve', here('token4')).then(
      () => 'entered',
      (error: unknown) => (isDomainError(error) ? error.code : error),
    );
    expect(await entered).toBe('entry_not_allowed');
  });

  test('an unknown backend is refused; one on a private address is not asked', async () => {
    const client = await house.region.connect(house.one, 'Eve');
    const unknown = client.helloV1({ url: 'https://unknown.test/', params: {} });
    await expect(unknown).rejects.toThrow(/invalid_backend/);
    const walled = await house.newCloud({ allowPrivate: ['10.0.0.0/8'] });
    const inward = client.helloV1({ url: walled.cloud.url, params: { ticket: 'good' } });
    await expect(inward).rejects.toThrow(/internal_error/);
    expect([...walled.cloud.requests, ...walled.cloud.capabilityPaths]).toEqual([]);
  });
});
