import { eventually, type ScriptedSignalingClient } from '@parley/testing';
import type { TalkServer } from './backend-poster';
import { inEveryLayout, onTwoReplicas } from './layouts';
import { TalkHouse } from './talk-house';

const PING_MS = 300;
const house = new TalkHouse({ backendTimes: { pingMs: PING_MS } });
const { here, newUser } = house;

const ada = (at = house.one, of = house.talk) => of.user(at, 'ada');
const bob = (at = house.two, of = house.talk) => of.user(at, 'bob');

const pingsOf = ({ cloud }: TalkServer) => cloud.requests.flatMap(({ ping }) => (ping ? [ping] : []));
const naming = (from: TalkServer, id: string) =>
  pingsOf(from).filter(({ entries }) => entries.some(({ sessionid }) => sessionid === id));

/** Three sessions in two rooms. */
async function present(of: TalkServer): Promise<ScriptedSignalingClient[]> {
  const all = [await ada(house.one, of), await bob(house.two, of), await of.user(house.one, 'eve')];
  const rooms = ['room-a', 'room-a', 'room-b'];
  for (const [index, client] of all.entries()) await client.join(rooms[index] ?? '', { sessionid: `nc-${index}` });
  return all;
}

inEveryLayout(house, () => {
  test('one request for each room, when the backend does not say how many entries it takes', async () => {
    const plain = await house.newCloud();
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
    const batched = await house.newCloud();
    batched.cloud.capabilities.signaling['session-ping-limit'] = 2;
    const [first] = await present(batched);
    const sizes = () => pingsOf(batched).map(({ roomid, entries }) => `${roomid}|${entries.length}`);
    await eventually(
      () => sizes().includes('|2') && sizes().includes('|1'),
      () => `pings of 2 and 1: ${sizes().join()}`,
    );
    await first?.leave();
    const before = pingsOf(batched).length;
    const since = () => pingsOf(batched).slice(before);
    const namesIn = ({ entries }: { entries: { sessionid: string }[] }) => entries.map(({ sessionid }) => sessionid);
    const rounds = () => since().filter((ping) => namesIn(ping).sort().join() === 'nc-1,nc-2');
    await eventually(
      () => rounds().length >= 3,
      () => `three pings of the other two: ${JSON.stringify(since())}`,
    );
    // The first one may belong to a round that was under way, with who left in another piece.
    const late = since().slice(since().indexOf(rounds()[1] ?? since()[0]!));
    expect(late.flatMap(namesIn)).not.toContain('nc-0');
  });

  test('two backends of one domain do not share a room of the same name', async () => {
    const other = await house.newCloud();
    const [same, name] = [here('same'), newUser('ada')];
    const [mine, theirs] = [await house.talk.user(house.one, name), await bob(house.two, other)];
    await house.talk.enter(mine, same);
    await other.enter(theirs, same);
    theirs.message({ type: 'room' }, 'psst');
    theirs.message({ type: 'session', sessionid: mine.sessionId }, 'psst');
    theirs.message({ type: 'user', userid: name }, 'psst');
    await theirs.fence();
    const friend = await house.talk.member(house.two, newUser('bob'), same);
    friend.message({ type: 'room' }, 'marker');
    expect((await mine.expect('message')).message).toMatchObject({ data: 'marker' });
    expect((await friend.expectJoined(mine.sessionId)).event).toMatchObject({ join: [{ sessionid: mine.sessionId }] });
    const names = await house.region.database.prisma.room.findMany({ where: { name: { startsWith: same } } });
    expect(names.map((room) => room.name).sort()).toEqual([same, `${same}@${other.id}`]);
  });

  test('two URLs of one backend share everything', async () => {
    const twice = await house.newCloud({ aliases: ['localhost'] });
    const url = twice.cloud.url.replace('127.0.0.1', 'localhost');
    const [a, b] = [await ada(house.one, twice), await twice.user(house.two, 'bob', { url })];
    for (const client of [a, b]) await twice.enter(client, 'room');
    await a.expectJoined(b.sessionId);
    b.message({ type: 'session', sessionid: a.sessionId }, 'hi');
    expect((await a.expect('message')).message).toMatchObject({ data: 'hi', sender: { userid: 'bob' } });
  });
});

onTwoReplicas(house, () => {
  test('pings come from one replica at a time, and from another one when that is gone', async () => {
    const shared = await house.newCloud();
    shared.cloud.capabilities.signaling['session-ping-limit'] = 100;
    const three = await house.anotherReplica();
    await (await ada(house.one, shared)).join('room', { sessionid: 'nc-shared' });
    const count = () => naming(shared, 'nc-shared').length;
    await eventually(() => count() >= 1, 'the first ping');
    const [started, before] = [performance.now(), count()];
    await eventually(() => count() >= before + 5, 'five more pings', 15_000);
    // Two replicas that each pinged would have needed half of the time, three a third.
    expect(performance.now() - started).toBeGreaterThan(3 * PING_MS);
    await three.close();
    const after = count();
    await eventually(() => count() >= after + 2, 'pings after a replica went', 15_000);
  });
});
