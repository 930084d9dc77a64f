import { eventually, type ScriptedSignalingClient } from '@parley/testing';
import type { RunningSignaling, SignalingOverrides } from '../src/app';
import { Operator, SECRET, talkUser } from './cloud';
import { FakeNextcloud } from './fake-nextcloud';
import { FAST, TestRegion } from './gateway';

const PING_MS = 300;
const QUICK: SignalingOverrides = {
  backendTimes: { pingMs: PING_MS, leaveRetryMs: [500, 100] },
  times: { guestJoinMs: 1_000 },
  liveTimes: { ...FAST.liveTimes, resumeWindowMs: 600 },
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

describe('room pings', () => {
  const pingsOf = (from: FakeNextcloud) => from.requests.flatMap(({ ping }) => (ping ? [ping] : []));
  const named = (from: FakeNextcloud, id: string) =>
    pingsOf(from).filter(({ entries }) => entries.some(({ sessionid }) => sessionid === id));

  /** Three sessions in two rooms. */
  async function present(from: FakeNextcloud): Promise<ScriptedSignalingClient[]> {
    const all = [await ada(one, from), await bob(two, from), await talkUser(region, one, from, 'eve')];
    const rooms = ['room-a', 'room-a', 'room-b'];
    for (const [index, client] of all.entries()) await client.join(rooms[index] ?? '', { sessionid: `nc-${index}` });
    return all;
  }

  test('one request for each room, when the backend does not say how many entries it takes', async () => {
    const plain = await newCloud('plain');
    await present(plain);
    const complete = () => {
      const rooms = pingsOf(plain).map(({ roomid, entries }) => `${roomid}:${entries.length}`);
      return rooms.includes('room-a:2') && rooms.includes('room-b:1');
    };
    await eventually(complete, () => `pings of both rooms: ${JSON.stringify(pingsOf(plain))}`);
    const both = pingsOf(plain).find(({ entries }) => entries.length === 2);
    expect(both?.entries.map(({ userid, sessionid }) => `${userid} ${sessionid}`).sort()).toEqual([
      'ada nc-0',
      'bob nc-1',
    ]);
  });

  test('together when it does, in pieces of that size; who left is not in them', async () => {
    const batched = await newCloud('batched');
    batched.capabilities.signaling['session-ping-limit'] = 2;
    const [first] = await present(batched);
    const sizes = () => pingsOf(batched).map(({ roomid, entries }) => `${roomid}|${entries.length}`);
    await eventually(
      () => sizes().includes('|2') && sizes().includes('|1'),
      () => `pings of 2 and 1: ${sizes().join()}`,
    );
    await first?.leave();
    const before = pingsOf(batched).length;
    await eventually(() => pingsOf(batched).length > before + 1, 'later pings');
    const late = pingsOf(batched)
      .slice(before + 1)
      .flatMap(({ entries }) => entries.map(({ sessionid }) => sessionid));
    expect(late).not.toContain('nc-0');
    expect(late).toContain('nc-1');
  });

  test('from one replica at a time, and from another one when that is gone', async () => {
    const shared = await newCloud('shared');
    shared.capabilities.signaling['session-ping-limit'] = 100;
    const three = await region.replica(QUICK);
    await (await ada(one, shared)).join('room', { sessionid: 'nc-shared' });
    await eventually(() => named(shared, 'nc-shared').length >= 1, 'the first ping');
    const started = performance.now();
    const count = named(shared, 'nc-shared').length;
    await eventually(() => named(shared, 'nc-shared').length >= count + 5, 'five more pings');
    // Three replicas that each pinged would have needed a third of the time.
    expect(performance.now() - started).toBeGreaterThan(4 * PING_MS * 0.9);
    await three.close();
    const after = named(shared, 'nc-shared').length;
    await eventually(() => named(shared, 'nc-shared').length >= after + 2, 'pings after a replica went');
  });
});

describe('two backends', () => {
  test('of one domain do not share a room of the same name', async () => {
    const other = await newCloud('neighbour');
    const [mine, theirs] = [await ada(), await bob(two, other)];
    await mine.join('same', { sessionid: 'nc-same-1' });
    await theirs.join('same', { sessionid: 'nc-same-2' });
    theirs.message({ type: 'room' }, 'psst');
    theirs.message({ type: 'session', sessionid: mine.sessionId }, 'psst');
    theirs.message({ type: 'user', userid: 'ada' }, 'psst');
    await theirs.fence();
    const friend = await bob();
    await friend.join('same', { sessionid: 'nc-same-3' });
    friend.message({ type: 'room' }, 'marker');
    const marker = await mine.expect('message');
    expect(marker.message).toMatchObject({ data: 'marker' });
    expect((await friend.expectJoined(mine.sessionId)).event).toMatchObject({ join: [{ sessionid: mine.sessionId }] });
    const names = await region.database.prisma.room.findMany({ where: { name: { startsWith: 'same' } } });
    expect(names.map(({ name }) => name).sort()).toEqual(['same', 'same@neighbour']);
  });

  test('two URLs of one backend share everything', async () => {
    const twice = await FakeNextcloud.start(SECRET);
    clouds.push(twice);
    const other = twice.url.replace('127.0.0.1', 'localhost');
    await operator.add('twice', [twice.url, other]);
    const [a, b] = [await ada(one, twice), await bob(two, { url: other })];
    await a.join('room', { sessionid: 'nc-a' });
    await b.join('room', { sessionid: 'nc-b' });
    await a.expectJoined(b.sessionId);
    b.message({ type: 'session', sessionid: a.sessionId }, 'hi');
    expect((await a.expect('message')).message).toMatchObject({ data: 'hi', sender: { userid: 'bob' } });
  });
});
