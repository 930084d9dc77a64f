import type { Envelope, ScriptedSignalingClient } from '@parley/testing';
import type { RunningSignaling } from '../src/app';
import { foreignIdOf, joinedIn, says } from './backend-poster';
import { inEveryLayout, onTwoReplicas } from './layouts';
import { TalkHouse } from './talk-house';
import { TcpGate } from './tcp-gate';

/** Requests for rooms whose connection broke before they were answered (brief 3.3, TestJoinRoomSwitchClient). */
const house = new TalkHouse();
const { newToken, newUser } = house;

/** The backend thinks until the function is called. */
function slowBackend(): () => void {
  let answer = () => undefined as void;
  house.talk.cloud.slowUntil = new Promise((resolve) => (answer = resolve));
  return answer;
}

/** Asks for a room and loses the connection while the backend thinks. */
async function askAndDrop(client: ScriptedSignalingClient, room: string, id = 'slow'): Promise<void> {
  client.send({ id, type: 'room', room: { roomid: room, sessionid: foreignIdOf(client) } });
  await house.talk.cloud.expectRequest((request) => request.room?.sessionid === foreignIdOf(client));
  client.drop();
  await client.expectClosed();
}

async function resume(replica: RunningSignaling, former: ScriptedSignalingClient): Promise<ScriptedSignalingClient> {
  const again = await house.region.connect(replica, 'again');
  await again.helloResume(former.resumeId);
  return again;
}

const rooms = (client: ScriptedSignalingClient): Envelope[] => client.received.filter(({ type }) => type === 'room');

/** It got the answer once, and then saw exactly these come in, itself first. */
async function expectAnswered(client: ScriptedSignalingClient, room: string, members: string[]): Promise<void> {
  await client.expect((envelope) => envelope.type === 'room' && envelope.id === 'slow');
  await client.expectJoined(...members.slice(-1));
  await client.fence();
  expect(rooms(client)).toEqual([{ id: 'slow', type: 'room', room: { roomid: room, properties: { name: room } } }]);
  expect(joinedIn(client)).toEqual(members);
  const types = client.received.map(({ type }) => type);
  expect(types.indexOf('room')).toBeLessThan(types.indexOf('event'));
}

/** Everybody in one event, in the order they came; the one who asked is told of itself first. */
function byArrival(first: ScriptedSignalingClient, second: ScriptedSignalingClient) {
  const rank = (id: string) => (id === first.sessionId ? 0 : id === second.sessionId ? 1 : 2);
  return (a: string, b: string) => rank(a) - rank(b);
}

inEveryLayout(house, () => {
  describe.each(['one', 'two'] as const)('the connection is resumed at door %s', (where) => {
    test('while the backend still thinks', async () => {
      const [ada, room] = [await house.talk.user(house.one, newUser('ada')), `slow-${newToken()}`];
      const answer = slowBackend();
      await askAndDrop(ada, room);
      const again = await resume(house[where], ada);
      answer();
      await expectAnswered(again, room, [ada.sessionId]);
    });

    test('when it was let in already: who came and went meanwhile is told as it is now, and the others saw one join', async () => {
      const [ada, room] = [await house.talk.user(house.one, newUser('ada')), `slow-${newToken()}`];
      const witness = await house.talk.member(house.two, newUser('witness'), room);
      const answer = slowBackend();
      await askAndDrop(ada, room);
      answer();
      await witness.expectJoined(ada.sessionId);
      const eve = await house.talk.member(house.two, newUser('eve'), room);
      const gone = await house.talk.member(house.two, newUser('gone'), room);
      await gone.bye();
      witness.message({ type: 'session', sessionid: ada.sessionId }, 'to you alone');
      const again = await resume(house[where], ada);
      expect((await again.expect('message')).message).toMatchObject({ data: 'to you alone' });
      await expectAnswered(
        again,
        room,
        [ada.sessionId, witness.sessionId, eve.sessionId].sort(byArrival(ada, witness)),
      );
      witness.message({ type: 'room' }, 'to all');
      expect((await again.expect('message')).message).toMatchObject({ data: 'to all' });
      await witness.fence();
      expect(joinedIn(witness).filter((id) => id === ada.sessionId)).toHaveLength(1);
    });

    test('once more, and once more: one answer in the end', async () => {
      const [ada, room] = [await house.talk.user(house.one, newUser('ada')), `slow-${newToken()}`];
      const answer = slowBackend();
      await askAndDrop(ada, room);
      const second = await resume(house[where], ada);
      second.drop();
      await second.expectClosed();
      const third = await resume(house.two, ada);
      answer();
      await expectAnswered(third, room, [ada.sessionId]);
      expect(rooms(second)).toEqual([]);
      third.drop();
      await third.expectClosed();
      const fourth = await resume(house[where], ada);
      await fourth.fence();
      expect([...rooms(fourth), ...fourth.received.filter(({ type }) => type === 'event')]).toEqual([]);
    });

    test('a refusal is answered too', async () => {
      const [ada, room] = [await house.talk.user(house.one, newUser('ada')), `slow-${newToken()}`];
      house.talk.cloud.foreignSessions.add(foreignIdOf(ada));
      const answer = slowBackend();
      await askAndDrop(ada, room);
      const again = await resume(house[where], ada);
      answer();
      expect((await again.expectError('no_such_room')).id).toBe('slow');
      await again.fence();
      expect(again.received.filter(says('no_such_room'))).toHaveLength(1);
    });
  });

  test('a client with message numbers gets its answer once, and a number with it', async () => {
    const options = { features: ['message-seq'] };
    const [ada, room] = [await house.talk.user(house.one, newUser('ada'), options), `slow-${newToken()}`];
    const answer = slowBackend();
    await askAndDrop(ada, room);
    const again = await resume(house.two, ada);
    answer();
    const { seq } = await again.expectJoined(ada.sessionId);
    expect(seq).toEqual(expect.any(String));
    again.drop();
    await again.expectClosed();
    const third = await house.region.connect(house.one, 'third');
    await third.helloResume(ada.resumeId, { lastSeq: seq as string });
    await third.fence();
    expect(rooms(third)).toEqual([]);
  });
});

onTwoReplicas(house, () => {
  test('also when the replica died meanwhile', async () => {
    const gate = await TcpGate.to(house.region.redis.url);
    try {
      const doomed = await house.region.replica({}, { REDIS_URL: `redis://127.0.0.1:${gate.port}` });
      const [ada, room] = [await house.talk.user(doomed, newUser('ada')), `slow-${newToken()}`];
      const witness = await house.talk.member(house.two, newUser('witness'), room);
      const answer = slowBackend();
      await askAndDrop(ada, room);
      gate.lock();
      const again = await resume(house.one, ada);
      answer();
      await expectAnswered(again, room, [ada.sessionId, witness.sessionId]);
      gate.unlock();
      await house.region.retire(doomed);
      await again.fence();
      await witness.fence();
      expect(joinedIn(witness).filter((id) => id === ada.sessionId)).toHaveLength(1);
      expect(rooms(again)).toHaveLength(1);
    } finally {
      await gate.close();
    }
  });
});
