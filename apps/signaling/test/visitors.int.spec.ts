import { brandAs, type RoomName } from '@parley/domain';
import type { Envelope, ScriptedSignalingClient } from '@parley/testing';
import { DOMAIN, INTERNAL_SECRET, PUBLIC_URL, sessionIdOf } from './gateway';
import { inEveryLayoutAndPolling, onTwoReplicas } from './layouts';
import { TalkHouse } from './talk-house';

/** Rooms of ours, entered with tickets. */
const house = new TalkHouse({}, []);
let roomNumber = 0;

const dataOf = (envelope: Envelope) => (envelope.message as { data: unknown }).data;
const newRoom = () => `room-${++roomNumber}`;
const pathOf = (room: string) => `${DOMAIN}/${room}`;
const isLeaveOf = (id: string) => (envelope: Envelope) => {
  const event = envelope.event as { type?: string; leave?: string[] } | undefined;
  return event?.type === 'leave' && event.leave?.includes(id) === true;
};

/** Two visitors in one room, who came in by both doors and have seen each other. */
async function pair(options: { features?: string[] } = {}): Promise<{
  ada: ScriptedSignalingClient;
  bob: ScriptedSignalingClient;
  room: string;
}> {
  const room = newRoom();
  const ada = await house.region.visitor(house.one, 'Ada', room, options);
  await ada.join(pathOf(room));
  await ada.expectJoined(ada.sessionId);
  const bob = await house.region.visitor(house.two, 'Bob', room, options);
  await bob.join(pathOf(room));
  await bob.expectJoined(bob.sessionId);
  await bob.expectJoined(ada.sessionId);
  await ada.expectJoined(bob.sessionId);
  return { ada, bob, room };
}

inEveryLayoutAndPolling(house, () => {
  test('offer, answer and candidates cross over, as written and in order', async () => {
    const { ada, bob } = await pair();
    ada.message({ type: 'session', sessionid: bob.sessionId }, { type: 'offer', sdp: 'v=0' });
    const offer = await bob.expect('message');
    expect(offer.message).toEqual({
      sender: { type: 'session', sessionid: ada.sessionId },
      data: { type: 'offer', sdp: 'v=0' },
    });
    bob.message({ type: 'session', sessionid: ada.sessionId }, { type: 'answer', sdp: 'v=1' });
    expect(dataOf(await ada.expect('message'))).toEqual({ type: 'answer', sdp: 'v=1' });
    for (let n = 0; n < 50; n += 1) {
      ada.message({ type: 'session', sessionid: bob.sessionId }, { type: 'candidate', n });
    }
    for (let n = 0; n < 50; n += 1) expect(dataOf(await bob.expect('message'))).toEqual({ type: 'candidate', n });
  });

  test('a room message reaches everybody else once; messages by session and by room keep their order', async () => {
    const { ada, bob } = await pair();
    for (let n = 0; n < 20; n += 1) ada.message({ type: 'room' }, { n });
    for (let n = 0; n < 20; n += 1) expect(dataOf(await bob.expect('message'))).toEqual({ n });
    await ada.expectNothing('message');
  });

  test('a message to a user reaches all of their sessions, not the sender', async () => {
    const room = newRoom();
    const ada = await house.region.visitor(house.one, 'Ada', room, { userId: 'ada' });
    const here = await house.region.visitor(house.one, 'Bob here', room, { userId: 'bob' });
    const there = await house.region.visitor(house.two, 'Bob there', room, { userId: 'bob' });
    ada.message({ type: 'user', userid: 'bob' }, 'hi');
    for (const bob of [here, there]) {
      expect((await bob.expect('message')).message).toEqual({
        sender: { type: 'user', sessionid: ada.sessionId, userid: 'ada' },
        data: 'hi',
      });
    }
    await ada.expectNothing('message');
  });

  test('leaving is heard by the others only; the ticket holder may come back', async () => {
    const { ada, bob, room } = await pair();
    const answer = await bob.leave();
    expect(answer.room).toEqual({ roomid: '' });
    await ada.expect(isLeaveOf(bob.sessionId));
    await bob.expectNothing(isLeaveOf(bob.sessionId));
    await bob.join(pathOf(room));
    await bob.expectJoined(bob.sessionId);
    await ada.expectJoined(bob.sessionId);
  });

  test('a session resumes on the other replica and gets what it missed, in order', async () => {
    const { ada, bob } = await pair();
    const before = { session: bob.sessionId, resume: bob.resumeId };
    bob.drop();
    await bob.expectClosed();
    for (let n = 0; n < 5; n += 1) ada.message({ type: 'session', sessionid: before.session }, { n });
    ada.message({ type: 'room' }, 'last');
    await ada.fence();
    const again = await house.region.connect(house.one, 'Bob again');
    await again.expectNext('welcome');
    const hello = await again.helloResume(before.resume);
    expect(hello.hello).toMatchObject({ sessionid: before.session, resumeid: before.resume, userid: '' });
    for (let n = 0; n < 5; n += 1) expect(dataOf(await again.expectNext('message'))).toEqual({ n });
    expect(dataOf(await again.expectNext('message'))).toBe('last');
    again.message({ type: 'room' }, 'back');
    expect(dataOf(await ada.expect('message'))).toBe('back');
    await ada.expectNothing(isLeaveOf(before.session));
  });

  test('resuming a session that is connected takes it over: bye session_resumed', async () => {
    const { bob } = await pair();
    const again = await house.region.connect(house.one, 'Bob again');
    await again.helloResume(bob.resumeId);
    expect((await bob.expect('bye')).bye).toEqual({ reason: 'session_resumed' });
    await bob.expectClosedForGood();
    await again.fence();
  });

  test('with message-seq a client gets everything after lastSeq exactly once', async () => {
    const { ada, bob } = await pair({ features: ['message-seq'] });
    for (let n = 0; n < 4; n += 1) ada.message({ type: 'session', sessionid: bob.sessionId }, { n });
    const frames = [];
    for (let n = 0; n < 4; n += 1) frames.push(await bob.expect('message'));
    bob.drop();
    await bob.expectClosed();
    // It behaves as if the last two had been lost on their way.
    const again = await house.region.connect(house.one, 'Bob again');
    await again.helloResume(bob.resumeId, { lastSeq: frames[1]?.seq });
    expect(dataOf(await again.expect('message'))).toEqual({ n: 2 });
    expect(dataOf(await again.expect('message'))).toEqual({ n: 3 });
    await again.expectNothing('message');
  });

  test('kicked on the other replica: bye, gone, and neither session nor ticket works again', async () => {
    const { ada, bob, room } = await pair();
    const { rooms } = house.region.rules(house.one);
    const account = (await house.region.database.stores.tenancy.accountByAuthId('demo'))?.id;
    if (account === undefined) throw new Error('the demo account is missing');
    await rooms.kickOut(account, DOMAIN, brandAs<RoomName>(room), sessionIdOf(bob));
    expect((await bob.expect('bye')).bye).toEqual({ reason: 'kicked' });
    await bob.expectClosedForGood();
    await ada.expect(isLeaveOf(bob.sessionId));
    const again = await house.region.connect(house.two, 'Bob again');
    await expect(again.helloResume(bob.resumeId)).rejects.toThrow(/no_such_session/);
  });

  test('a room closed with force tells everybody', async () => {
    const { ada, bob, room } = await pair();
    const { rooms } = house.region.rules(house.two);
    const account = (await house.region.database.stores.tenancy.accountByAuthId('demo'))?.id;
    if (account === undefined) throw new Error('the demo account is missing');
    expect(await rooms.destroy(account, DOMAIN, brandAs<RoomName>(room), true)).toBe(true);
    for (const client of [ada, bob]) {
      await client.expect((frame) => frame.type === 'room' && (frame.room as { roomid: string }).roomid === '');
    }
  });

  test('a session that said bye is gone everywhere', async () => {
    const { ada, bob } = await pair();
    const resumeId = bob.resumeId;
    expect(await bob.bye()).not.toHaveProperty('bye');
    await bob.expectClosedForGood();
    await ada.expect(isLeaveOf(bob.sessionId));
    const again = await house.region.connect(house.one, 'Bob again');
    await expect(again.helloResume(resumeId)).rejects.toThrow(/no_such_session/);
    await expect(again.helloResume(bob.sessionId)).rejects.toThrow(/no_such_session/);
  });

  test('an internal client serves a domain: it hears, sends orders and is reached', async () => {
    const { ada, room } = await pair();
    const robot = await house.region.connect(house.two, 'Robot');
    await expect(robot.helloInternal({ secret: 'wrong', backend: PUBLIC_URL })).rejects.toThrow(/invalid_token/);
    await robot.helloInternal({ secret: INTERNAL_SECRET, backend: `${PUBLIC_URL}/${DOMAIN}` });
    await robot.join(pathOf(room));
    await robot.expectJoined(ada.sessionId);
    await ada.expectJoined(robot.sessionId);
    robot.send({ type: 'control', control: { recipient: { type: 'room' }, data: { type: 'mute' } } });
    expect((await ada.expect('control')).control).toMatchObject({ data: { type: 'mute' } });
    ada.message({ type: 'session', sessionid: robot.sessionId }, 'hello robot');
    expect(dataOf(await robot.expect('message'))).toBe('hello robot');
  });
});

onTwoReplicas(house, () => {
  test('a replica that goes away closes with 1012, and its sessions go on elsewhere', async () => {
    const third = await house.anotherReplica();
    const room = newRoom();
    const ada = await house.region.visitor(house.one, 'Ada', room);
    await ada.join(pathOf(room));
    const bob = await house.region.visitor(third, 'Bob', room);
    await bob.join(pathOf(room));
    await ada.expectJoined(bob.sessionId);
    await third.close();
    expect(await bob.expectClosed()).toBe('close 1012');
    const again = await house.region.connect(house.two, 'Bob again');
    await again.helloResume(bob.resumeId);
    ada.message({ type: 'room' }, 'still there?');
    expect(dataOf(await again.expect('message'))).toBe('still there?');
  });
});
