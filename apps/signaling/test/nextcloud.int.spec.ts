import { brandAs, isDomainError, type RoomName } from '@parley/domain';
import { backendSecretPlace } from '@parley/persistence';
import type { ScriptedSignalingClient } from '@parley/testing';
import type { RunningSignaling } from '../src/app';
import { FakeNextcloud } from './fake-nextcloud';
import { DOMAIN, TestRegion } from './gateway';

const SECRET = 'shared with the cloud';
let region: TestRegion;
let one: RunningSignaling;
let two: RunningSignaling;
let cloud: FakeNextcloud;

beforeAll(async () => {
  region = await TestRegion.start();
  cloud = await FakeNextcloud.start(SECRET);
  await addBackend('cloud', cloud.url, ['127.0.0.0/8']);
  one = await region.replica();
  two = await region.replica();
});
afterEach(() => region?.sendEverybodyHome());
afterAll(async () => {
  await region?.close();
  await cloud?.close();
});

async function addBackend(id: string, url: string, allowPrivate: string[]): Promise<void> {
  const { prisma, sealer } = region.database;
  await prisma.backend.create({
    data: {
      id,
      domainName: DOMAIN,
      urls: [url],
      secretSealed: sealer.seal(backendSecretPlace(id, 'secret'), SECRET),
      allowPrivate,
    },
  });
}

async function talkUser(replica: RunningSignaling, userid: string | undefined): Promise<ScriptedSignalingClient> {
  const client = await region.connect(replica, userid ?? 'guest');
  await client.helloV1({ url: cloud.url, params: { ticket: 'good', ...(userid === undefined ? {} : { userid }) } });
  return client;
}

/** A room of ours in the backend's domain: only the domain's owner can open one there. */
async function openByOwner(room: string): Promise<void> {
  const domain = await region.database.stores.tenancy.domain(DOMAIN);
  if (domain === null) throw new Error('the demo domain is missing');
  await region.rules(one).rooms.init(domain.accountId, { domain: DOMAIN, name: brandAs<RoomName>(room) });
}

describe('a Nextcloud backend, hello 1.0', () => {
  test('its users meet in its rooms, across replicas', async () => {
    const ada = await talkUser(one, 'ada');
    const bob = await talkUser(two, 'bob with space');
    const answer = await ada.join('token1', { sessionid: 'nc/ada+1' });
    expect(answer.room).toEqual({ roomid: 'token1', properties: { name: 'token1' } });
    await ada.expectJoined(ada.sessionId);
    await bob.join('token1', { sessionid: 'nc/bob+1' });
    const joined = await ada.expectJoined(bob.sessionId);
    expect((joined.event as { join: unknown[] }).join).toEqual([
      {
        sessionid: bob.sessionId,
        userid: 'bob with space',
        user: { displayname: 'Displayname bob with space' },
        roomsessionid: 'nc/bob+1',
      },
    ]);
    bob.message({ type: 'user', userid: 'ada' }, 'hi');
    expect((await ada.expect('message')).message).toMatchObject({ sender: { userid: 'bob with space' }, data: 'hi' });
    expect(cloud.requests.find(({ room }) => room?.sessionid === 'nc/ada+1')?.room).toEqual({
      version: '1.0',
      roomid: 'token1',
      userid: 'ada',
      sessionid: 'nc/ada+1',
    });
    const open = await region.database.prisma.room.findFirstOrThrow({ where: { name: 'token1', closedAt: null } });
    expect(open.domainName).toBe(DOMAIN);
  });

  test("the backend's refusals are passed on, and the connection lives", async () => {
    const client = await region.connect(one, 'Eve');
    const bad = client.helloV1({ url: cloud.url, params: { userid: 'eve', ticket: 'bad' } });
    await expect(bad).rejects.toThrow(/invalid_ticket/);
    await client.helloV1({ url: cloud.url, params: { userid: 'eve', ticket: 'good' } });
    await client.join('token2');
    await expect(client.join('secret-room')).rejects.toThrow(/no_such_room/);
    // It stays where it was.
    expect((await client.request('room', { roomid: 'token2' })).error).toMatchObject({
      code: 'already_joined',
      details: { room: { roomid: 'token2', properties: { name: 'token2' } } },
    });
  });

  test('orders need the permission, if the backend knows permissions', async () => {
    const ada = await talkUser(one, 'ada');
    const bob = await talkUser(two, 'bob');
    const order = { type: 'control', control: { recipient: { type: 'room' }, data: 'mute' } };
    for (const client of [ada, bob]) await client.join('quiet-room');
    ada.send(order);
    ada.message({ type: 'room' }, 'end of the quiet room');
    await bob.expectNothing('control', 'message');
    for (const client of [ada, bob]) await client.join('loud-room');
    ada.send(order);
    await bob.expect('control');
  });

  test('a session resumes on the other replica and is still in its room', async () => {
    const ada = await talkUser(one, 'ada');
    await ada.join('token3', { sessionid: 'nc/ada+3' });
    ada.drop();
    await ada.expectClosed();
    const again = await region.connect(two, 'ada again');
    expect((await again.helloResume(ada.resumeId)).hello).toMatchObject({ userid: 'ada' });
    expect((await again.request('room', { roomid: 'token3' })).error).toMatchObject({ code: 'already_joined' });
    await again.leave();
  });

  test('sessions of another tenant cannot be reached', async () => {
    const ada = await talkUser(one, 'ada');
    await openByOwner('elsewhere');
    const visitor = await region.visitor(two, 'Visitor', 'elsewhere', { userId: 'ada' });
    visitor.message({ type: 'session', sessionid: ada.sessionId }, 'psst');
    visitor.message({ type: 'user', userid: 'ada' }, 'psst');
    await visitor.fence();
    const friend = await talkUser(two, 'friend');
    friend.message({ type: 'session', sessionid: ada.sessionId }, 'marker');
    await ada.expectNothing(
      (frame) => (frame.message as { data?: unknown } | undefined)?.data === 'psst',
      (frame) => (frame.message as { data?: unknown } | undefined)?.data === 'marker',
    );
  });

  test('nobody enters its room with a ticket of ours', async () => {
    const ada = await talkUser(one, 'ada');
    await ada.join('token4', { sessionid: 'nc/ada+4' });
    const entered = region.visitor(two, 'Eve', 'token4').then(
      () => 'entered',
      (error: unknown) => (isDomainError(error) ? error.code : error),
    );
    expect(await entered).toBe('entry_not_allowed');
  });

  test('an unknown backend is refused; one on a private address is not asked', async () => {
    const client = await region.connect(one, 'Eve');
    const unknown = client.helloV1({ url: 'https://unknown.test/', params: {} });
    await expect(unknown).rejects.toThrow(/invalid_backend/);
    const asked = cloud.requests.length;
    await addBackend('inward', cloud.url.replace('127.0.0.1', 'localhost'), []);
    const inward = client.helloV1({ url: cloud.url.replace('127.0.0.1', 'localhost'), params: { ticket: 'good' } });
    await expect(inward).rejects.toThrow(/internal_error/);
    expect(cloud.requests.length).toBe(asked);
  });
});
