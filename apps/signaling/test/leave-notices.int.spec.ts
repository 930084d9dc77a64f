import { brandAs, type ReplicaId, type RoomSessionId } from '@parley/domain';
import { createRedisLive, parseRedisTarget, type Live } from '@parley/live';
import { eventually, type ScriptedSignalingClient } from '@parley/testing';
import { foreignIdOf } from './backend-poster';
import { DOMAIN, FAST, sessionIdOf } from './gateway';
import { TalkHouse } from './talk-house';
import { TcpGate } from './tcp-gate';

/** Times in which what a dead replica left comes due. What is under way for longer may be told again. */
const TIMES = { ...FAST.liveTimes, resumeWindowMs: 2_000, departureMs: 5_000 };

/** Whoever takes somebody out of a room, and whatever dies: the backend hears of it, once. */
const house = new TalkHouse({ liveTimes: TIMES, backendTimes: { leaveRetryMs: [400, 60_000] } });
const { newToken, newUser } = house;
/** As the api has it: it ends things and speaks with no backend. */
let api: Live;

beforeAll(async () => {
  await house.start();
  const redis = parseRedisTarget(house.region.redis.url);
  api = createRedisLive({ replica: brandAs<ReplicaId>('api-of-the-test'), redis, times: TIMES });
});
afterEach(() => house.sendEverybodyHome());
afterAll(async () => {
  await api?.close();
  await house.close();
});

const heard = (client: ScriptedSignalingClient) => house.talk.cloud.roomActions(foreignIdOf(client));

/** The backend has heard exactly this of somebody, and nothing more after everything due was told. */
async function expectHeard(client: ScriptedSignalingClient, ...actions: string[]): Promise<void> {
  const same = () => JSON.stringify(heard(client)) === JSON.stringify(actions);
  await eventually(same, () => `${actions.join(', ')}, not ${heard(client).join(', ')}`, 15_000);
}

async function liveId(token: string): Promise<RoomSessionId> {
  const row = await house.region.database.prisma.room.findFirst({
    where: { domainName: DOMAIN, name: token, closedAt: null },
  });
  if (row === null) throw new Error(`${token} is not open`);
  return brandAs<RoomSessionId>(row.id);
}

test('of who is kicked by the api', async () => {
  const token = newToken();
  const [ada, bob] = await house.pair(token);
  expect(await api.rooms.kick(await liveId(token), sessionIdOf(bob))).toBe(true);
  await expectHeard(bob, `join ${token}`, `leave ${token}`);
  await expectHeard(ada, `join ${token}`);
});

test('of everybody in a room the api closes', async () => {
  const token = newToken();
  const people = await house.pair(token);
  const room = await liveId(token);
  await api.rooms.beginClosing(room, true);
  await api.rooms.finishClosing(room);
  for (const person of people) await expectHeard(person, `join ${token}`, `leave ${token}`);
});

test('of who expires, once, with three replicas that may notice', async () => {
  const token = newToken();
  const [ada] = await house.pair(token);
  ada.drop();
  await expectHeard(ada, `join ${token}`, `leave ${token}`);
});

test('of who may come in and then cannot', async () => {
  const token = newToken();
  const [ada, bob] = [
    await house.talk.member(house.one, newUser('ada'), token),
    await house.talk.user(house.two, newUser('bob')),
  ];
  await house.one.live.rooms.beginClosing(await liveId(token), true);
  await expect(bob.join(token, { sessionid: foreignIdOf(bob) })).rejects.toThrow(/no_such_room|room_closing/);
  await expectHeard(bob, `join ${token}`, `leave ${token}`);
  await house.one.live.rooms.undoClosing(await liveId(token));
  await house.talk.enter(bob, token);
  await expectHeard(bob, `join ${token}`, `leave ${token}`, `join ${token}`);
  await expectHeard(ada, `join ${token}`);
});

test('of who may come into a room that cannot be', async () => {
  const ada = await house.talk.user(house.one, newUser('ada'));
  const token = 'x'.repeat(300);
  await expect(ada.join(token, { sessionid: foreignIdOf(ada) })).rejects.toThrow(/no_such_room/);
  await expectHeard(ada, `join ${token}`, `leave ${token}`);
});

test('not of who its backend refused', async () => {
  const ada = await house.talk.user(house.one, newUser('ada'));
  const token = `secret-${newToken()}`;
  await expect(ada.join(token, { sessionid: foreignIdOf(ada) })).rejects.toThrow(/no_such_room/);
  await house.talk.enter(ada, newToken());
  expect(heard(ada)).toHaveLength(2);
});

test('also when the replica goes away before its backend could be told', async () => {
  const leaving = await house.region.replica({ liveTimes: TIMES, backendTimes: { leaveRetryMs: [60_000] } });
  const token = newToken();
  const ada = await house.talk.member(leaving, newUser('ada'), token);
  house.talk.cloud.broken = 1;
  await ada.bye();
  await eventually(() => house.talk.cloud.broken === 0, 'the backend to be asked and not to answer');
  await house.region.retire(leaving);
  await expectHeard(ada, `join ${token}`, `leave ${token}`);
});

test('also when the replica died while its backend let somebody in who never came back', async () => {
  const gate = await TcpGate.to(house.region.redis.url);
  try {
    const doomed = await house.region.replica({ liveTimes: TIMES }, { REDIS_URL: `redis://127.0.0.1:${gate.port}` });
    const [ada, token] = [await house.talk.user(doomed, newUser('ada')), `slow-${newToken()}`];
    let answer = () => undefined as void;
    house.talk.cloud.slowUntil = new Promise((resolve) => (answer = resolve));
    ada.send({ id: 'slow', type: 'room', room: { roomid: token, sessionid: foreignIdOf(ada) } });
    await house.talk.cloud.expectRequest((request) => request.room?.sessionid === foreignIdOf(ada));
    gate.lock();
    ada.drop();
    answer();
    await expectHeard(ada, `join ${token}`, `leave ${token}`);
    gate.unlock();
    await house.region.retire(doomed);
    await expectHeard(ada, `join ${token}`, `leave ${token}`);
  } finally {
    await gate.close();
  }
});

test('once in all: nothing is told again', async () => {
  const [ada, token] = [await house.talk.user(house.one, newUser('ada')), newToken()];
  await house.talk.enter(ada, token);
  await ada.leave();
  await expectHeard(ada, `join ${token}`, `leave ${token}`);
  // Whatever is noted now comes due after everything that was noted before.
  const late = { sessionId: sessionIdOf(ada), kind: 'client' as const, userId: '', foreignSessionId: 'nc-late' };
  const foreign = { backend: house.talk.id, url: controllerOf(house), room: token, userId: '' };
  await api.events.expect({ ...late, foreign });
  const end = () => house.talk.cloud.roomActions('nc-late').length > 0;
  await eventually(end, 'the last one to be told', 15_000);
  const count = new Map<string, number>();
  for (const { room } of house.talk.cloud.requests) {
    if (room === undefined || room.sessionid === 'nc-late') continue;
    const who = `${room.sessionid} ${room.roomid}`;
    count.set(who, (count.get(who) ?? 0) + (room.action === 'leave' ? -1 : 1));
  }
  expect([...count].filter(([, more]) => more < 0)).toEqual([]);
});

function controllerOf({ talk }: TalkHouse): string {
  return `${talk.cloud.url}ocs/v2.php/apps/spreed/api/v3/signaling/backend`;
}
