import { eventually, type Envelope } from '@parley/testing';
import type { RunningSignaling, SignalingOverrides } from '../src/app';
import { Operator, talkUser, tell } from './cloud';
import { FakeNextcloud } from './fake-nextcloud';
import { FAST, TestRegion } from './gateway';

const QUICK: SignalingOverrides = {
  backendTimes: { pingMs: 300, leaveRetryMs: [500, 100] },
  times: { guestJoinMs: 1_000 },
  liveTimes: { ...FAST.liveTimes, resumeWindowMs: 1_500 },
};

let region: TestRegion;
let one: RunningSignaling;
let two: RunningSignaling;
let operator: Operator;
let cloud: FakeNextcloud;
const clouds: FakeNextcloud[] = [];

beforeAll(async () => {
  region = await TestRegion.start();
  operator = new Operator(region);
  cloud = await newCloud('cloud');
  one = await region.replica(QUICK);
  two = await region.replica(QUICK);
});
afterEach(() => region?.sendEverybodyHome());
afterAll(async () => {
  await operator?.close();
  await region?.close();
  await Promise.all(clouds.map((each) => each.close()));
});

async function newCloud(id: string, more: Parameters<Operator['add']>[2] = {}): Promise<FakeNextcloud> {
  const made = await FakeNextcloud.start(`shared with ${id} alone`);
  clouds.push(made);
  await operator.add(id, [made.url], { secret: made.secret, ...more });
  return made;
}

const ada = (replica = one, from: Pick<FakeNextcloud, 'url'> = cloud) => talkUser(region, replica, from, 'ada');
const bob = (replica = two, from: Pick<FakeNextcloud, 'url'> = cloud) => talkUser(region, replica, from, 'bob');
const guest = (replica = one) => talkUser(region, replica, cloud);

/** Waits until the backend has heard exactly this about one of its sessions. */
async function heard(from: FakeNextcloud, sessionid: string, actions: string[]): Promise<void> {
  const same = () => JSON.stringify(from.roomActions(sessionid)) === JSON.stringify(actions);
  await eventually(same, () => `${actions.join(', ')} of ${sessionid}, not ${from.roomActions(sessionid).join(', ')}`);
}

const leftEvent = (id: string) => (frame: Envelope) => {
  const event = frame.event as { type?: string; leave?: string[] } | undefined;
  return event?.type === 'leave' && event.leave?.includes(id) === true;
};

describe('joining', () => {
  test('no bandwidth unless the backend has limits', async () => {
    const limited = await newCloud('limited', { maxStreamBitrate: 1_000_000 });
    expect((await (await ada()).join('token')).room).toEqual({ roomid: 'token', properties: { name: 'token' } });
    const answer = await (await ada(one, limited)).join('token');
    expect(answer.room).toMatchObject({ bandwidth: { maxstreambitrate: 1_000_000, maxscreenbitrate: 0 } });
  });

  test('permissions of the answer hold from the first moment and on every replica', async () => {
    const [a, b] = [await ada(), await bob()];
    await a.join('quiet-room', { sessionid: 'nc-a' });
    await b.join('quiet-room', { sessionid: 'nc-b' });
    const order = { type: 'control', control: { recipient: { type: 'room' }, data: 'mute' } };
    a.send(order);
    a.message({ type: 'room' }, 'marker');
    await b.expectNothing('control', 'message');
    a.drop();
    await a.expectClosed();
    const again = await region.connect(two, 'ada again');
    await again.helloResume(a.resumeId);
    again.send(order);
    again.message({ type: 'room' }, 'marker');
    await b.expectNothing('control', 'message');
  });

  test('a guest has the name the room gave, in the join event, as sender and as recipient; not towards the backend', async () => {
    const anonymous = await guest();
    const b = await bob();
    await b.join('named-room', { sessionid: 'nc-bob' });
    await anonymous.join('named-room', { sessionid: 'nc-guest' });
    const joined = (await b.expectJoined(anonymous.sessionId)).event as { join: object[] };
    expect(joined.join[0]).toMatchObject({ userid: 'guest-of-named-room', roomsessionid: 'nc-guest' });
    anonymous.message({ type: 'room' }, 'hi');
    expect((await b.expect('message')).message).toMatchObject({ sender: { userid: 'guest-of-named-room' } });
    b.message({ type: 'user', userid: 'guest-of-named-room' }, 'hello');
    expect((await anonymous.expect('message')).message).toMatchObject({ data: 'hello' });
    const ping = await eventually(
      () => cloud.requests.flatMap(({ ping: p }) => p?.entries ?? []).find(({ sessionid }) => sessionid === 'nc-guest'),
      'a ping of the guest',
    );
    expect(ping).toEqual({ sessionid: 'nc-guest' });
    await anonymous.leave();
    await eventually(() => cloud.roomActions('nc-guest').length === 2, 'the notice of its leave');
    const notice = cloud.requests.find(({ room }) => room?.sessionid === 'nc-guest' && room.action === 'leave');
    expect(notice?.room).not.toHaveProperty('userid');
  });

  test('guests must be in a room, also after they left one', async () => {
    const idle = await guest();
    expect((await idle.expect('bye')).bye).toEqual({ reason: 'room_join_timeout' });
    await idle.expectClosed();
    const named = await guest(two);
    await named.join('named-other', { sessionid: 'nc-idle' });
    await named.expectNothing('bye');
    named.drop();
    await named.expectClosed();
    const again = await region.connect(one, 'guest again');
    // Still nobody, whatever the room called it.
    expect((await again.helloResume(named.resumeId)).hello).toMatchObject({ userid: '' });
    await again.leave();
    expect((await again.expect('bye')).bye).toEqual({ reason: 'room_join_timeout' });
  });
});

describe('leave notices', () => {
  test('after a leave, a change of rooms, a bye', async () => {
    const a = await ada();
    await a.join('room-1', { sessionid: 'nc-1' });
    await a.join('room-2', { sessionid: 'nc-2' });
    await heard(cloud, 'nc-1', ['join room-1', 'leave room-1']);
    await a.leave();
    await heard(cloud, 'nc-2', ['join room-2', 'leave room-2']);
    await a.join('room-3', { sessionid: 'nc-3' });
    await a.bye();
    await heard(cloud, 'nc-3', ['join room-3', 'leave room-3']);
  });

  test('after an expiry, once, whichever replica notices; not before, and not after a resume', async () => {
    const [a, b] = [await ada(), await bob()];
    await a.join('room', { sessionid: 'nc-a1' });
    await b.join('room', { sessionid: 'nc-b1' });
    b.drop();
    await b.expectClosed();
    const again = await region.connect(one, 'bob again');
    await again.helloResume(b.resumeId);
    const gone = await ada(two);
    await gone.join('room', { sessionid: 'nc-gone' });
    gone.drop();
    await a.expect(leftEvent(gone.sessionId));
    await heard(cloud, 'nc-gone', ['join room', 'leave room']);
    expect(cloud.roomActions('nc-b1')).toEqual(['join room']);
  });

  test('after the room was deleted, and after somebody was disinvited, by either replica', async () => {
    const [a, b] = [await ada(), await bob()];
    await a.join('doomed', { sessionid: 'nc-doomed-a' });
    await b.join('doomed', { sessionid: 'nc-doomed-b' });
    expect(await tell(two, cloud, 'doomed', { type: 'delete', delete: { userids: ['ada'] } })).toBe(200);
    for (const id of ['nc-doomed-a', 'nc-doomed-b']) await heard(cloud, id, ['join doomed', 'leave doomed']);
    const c = await talkUser(region, one, cloud, 'eve');
    await c.join('kept', { sessionid: 'nc-kept' });
    const disinvite = { type: 'disinvite', disinvite: { userids: ['eve'], alluserids: ['ada'] } };
    expect(await tell(two, cloud, 'kept', disinvite)).toBe(200);
    await c.expectClosed();
    await heard(cloud, 'nc-kept', ['join kept', 'leave kept']);
  });

  test('not for sessions the backend does not know', async () => {
    const a = await ada();
    await a.join('room');
    await a.leave();
    await a.join('room', { sessionid: 'nc-known' });
    await a.leave();
    await heard(cloud, 'nc-known', ['join room', 'leave room']);
    expect(cloud.roomActions(a.sessionId)).toEqual(['join room']);
  });

  test('are tried again when the backend has a bad moment', async () => {
    const a = await ada();
    await a.join('room', { sessionid: 'nc-retry' });
    cloud.broken = 2;
    await a.leave();
    await heard(cloud, 'nc-retry', ['join room', 'leave room']);
    expect(cloud.broken).toBe(0);
  });

  test('are given up when the session is back meanwhile', async () => {
    const slow = await newCloud('slow');
    const [a, b] = [await ada(one, slow), await ada(two, slow)];
    await a.join('room', { sessionid: 'nc-back' });
    slow.broken = 1;
    await a.leave();
    await eventually(() => slow.broken === 0, 'the first try');
    await b.join('room', { sessionid: 'nc-back' });
    // What is tried again later than that has been decided about when this one is told.
    const marker = await bob(one, slow);
    await marker.join('room', { sessionid: 'nc-marker' });
    slow.broken = 1;
    await marker.leave();
    await heard(slow, 'nc-marker', ['join room', 'leave room']);
    expect(slow.roomActions('nc-back')).toEqual(['join room', 'join room']);
  });
});

describe('the same session of the backend joins again', () => {
  test.each(['the same', 'another'])(
    'on %s replica: the former one goes, the backend hears of no leave',
    async (where) => {
      const room = `takeover-${where.length}`;
      const first = await ada(one);
      const witness = await bob(two);
      await witness.join(room, { sessionid: `${room}-witness` });
      await first.join(room, { sessionid: `${room}-ada` });
      await witness.expectJoined(first.sessionId);
      const second = await ada(where === 'another' ? two : one);
      await second.join(room, { sessionid: `${room}-ada` });
      expect((await first.expect('bye')).bye).toEqual({ reason: 'room_session_reconnected' });
      expect(await first.expectClosed()).toBe('close 1000');
      await witness.expect(leftEvent(first.sessionId));
      await witness.expectJoined(second.sessionId);
      await second.expectJoined(witness.sessionId);
      await second.fence();
      const seen = second.received.flatMap((frame) => (frame.event as { join?: { sessionid: string }[] })?.join ?? []);
      expect(seen.map(({ sessionid }) => sessionid).sort()).toEqual([second.sessionId, witness.sessionId].sort());
      const again = await region.connect(one, 'first again');
      await expect(again.helloResume(first.resumeId)).rejects.toThrow(/no_such_session/);
      await witness.leave();
      await heard(cloud, `${room}-witness`, [`join ${room}`, `leave ${room}`]);
      expect(cloud.roomActions(`${room}-ada`)).toEqual([`join ${room}`, `join ${room}`]);
    },
  );

  test('all at once: one stays', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, (_, index) => ada(index % 2 ? one : two)));
    await Promise.allSettled(all.map((client) => client.join('rush', { sessionid: 'nc-rush' })));
    const members = async () => {
      const open = await region.database.prisma.room.findFirstOrThrow({ where: { name: 'rush', closedAt: null } });
      return one.live.rooms.members(open.id as Parameters<typeof one.live.rooms.members>[0]);
    };
    await eventually(
      async () => (await members()).length === 1,
      async () => `one member: ${JSON.stringify(await members())}`,
    );
    await eventually(
      () => all.filter((client) => client.received.some(({ type }) => type === 'bye')).length === 5,
      () => `five byes: ${all.map((client) => JSON.stringify(client.received.at(-1))).join('\n')}`,
    );
  });

  test('a tenant cannot take over the session of another one', async () => {
    const other = await newCloud('other-tenant');
    const mine = await ada();
    await mine.join('room', { sessionid: 'nc-shared' });
    const theirs = await bob(two, other);
    await theirs.join('room', { sessionid: 'nc-shared' });
    await theirs.fence();
    await mine.fence();
    await mine.expectNothing('bye');
  });
});
