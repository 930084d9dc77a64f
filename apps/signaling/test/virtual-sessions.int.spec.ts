import type { JsonObject } from '@parley/domain';
import type { Envelope, ScriptedSignalingClient } from '@parley/testing';
import { event, eventOf, expectEvent, foreignIdOf, isUpdate } from './backend-poster';
import type { RunningSignaling } from '../src/app';
import { inEveryLayout } from './layouts';
import { TalkHouse } from './talk-house';

const anyText: unknown = expect.any(String);
const anyNumber: unknown = expect.any(Number);
const house = new TalkHouse();
const { newToken, newUser, settle } = house;

function internal(client: ScriptedSignalingClient, type: string, body: JsonObject): void {
  client.send({ id: `of ${type}`, type: 'internal', internal: { type, [type]: body } });
}

async function usersTold(client: ScriptedSignalingClient): Promise<JsonObject[]> {
  return ((await expectEvent(client, 'participants', 'update')) as { users: JsonObject[] }).users;
}

/** The first entry of the next join event. */
async function comer(client: ScriptedSignalingClient): Promise<JsonObject & { sessionid: string }> {
  const [entry] = (await expectEvent(client, 'room', 'join')) as (JsonObject & { sessionid: string })[];
  if (entry === undefined) throw new Error('nobody joined');
  return entry;
}

const requestsAbout = (sessionid: string) =>
  house.talk.cloud.requests.filter(({ room, session }) => (room ?? session)?.sessionid === sessionid);

/** A user and, on the other replica, a bridge, in one room. */
async function callWithBridge(features: string[] = []) {
  const token = newToken();
  const ada = await house.talk.member(house.one, newUser('ada'), token);
  const bridge = await house.talk.service(house.two, 'bridge', { features });
  await bridge.join(token);
  await bridge.expectJoined(ada.sessionId);
  await ada.expectJoined(bridge.sessionId);
  return { token, ada, bridge };
}

/** A caller the bridge speaks for, as seen by a member. */
async function caller(
  token: string,
  bridge: ScriptedSignalingClient,
  seenBy: ScriptedSignalingClient,
  more: JsonObject = {},
) {
  internal(bridge, 'addsession', { sessionid: 'call-1', roomid: token, userid: 'phone', flags: 1, ...more });
  const { sessionid } = await comer(seenBy);
  return sessionid;
}

inEveryLayout(house, () => {
  test('a bridge comes with its flags, and a caller with its own: join, list and flags for everybody', async () => {
    const { token, ada, bridge } = await callWithBridge();
    expect(await usersTold(ada)).toEqual([
      { sessionId: bridge.sessionId, inCall: 3, internal: true, lastPing: anyNumber },
    ]);
    internal(bridge, 'addsession', {
      sessionid: 'call-1',
      roomid: token,
      userid: 'phone',
      user: { type: 'phone', number: '+12' },
      flags: 1,
    });
    const joined = await comer(ada);
    expect(joined).toEqual({ sessionid: anyText, userid: 'phone', user: { type: 'phone', number: '+12' } });
    const { sessionid } = joined;
    expect(await usersTold(ada)).toMatchObject([
      { sessionId: bridge.sessionId, internal: true, inCall: 3 },
      { sessionId: sessionid, virtual: true, inCall: 9, userId: 'phone' },
    ]);
    expect(await expectEvent(ada, 'participants', 'flags')).toEqual({ roomid: token, sessionid, flags: 1 });
    expect(requestsAbout(sessionid).map(({ session }) => session)).toEqual([
      {
        version: '1.0',
        roomid: token,
        action: 'add',
        sessionid,
        userid: 'phone',
        user: { type: 'phone', number: '+12' },
      },
    ]);
    // Whoever comes later sees both, and the flags.
    const bob = await house.talk.member(house.two, newUser('bob'), token);
    await bob.expectJoined(bridge.sessionId, sessionid, ada.sessionId);
    expect(await expectEvent(bob, 'participants', 'flags')).toEqual({ roomid: token, sessionid, flags: 1 });
  });

  test('news about a caller are told once, and only when they are news', async () => {
    const { token, ada, bridge } = await callWithBridge();
    const sessionid = await caller(token, bridge, ada);
    for (let seen = 0; seen < 2; seen += 1) await ada.expect(isUpdate);
    expect(await expectEvent(ada, 'participants', 'flags')).toMatchObject({ flags: 1 });
    for (const flags of [1, 5, 5]) internal(bridge, 'updatesession', { sessionid: 'call-1', roomid: token, flags });
    expect(await expectEvent(ada, 'participants', 'flags')).toEqual({ roomid: token, sessionid, flags: 5 });
    for (const incall of [9, 0]) internal(bridge, 'updatesession', { sessionid: 'call-1', roomid: token, incall });
    expect(await usersTold(ada)).toMatchObject([{ internal: true }, { sessionId: sessionid, inCall: 0 }]);
    await bridge.fence();
    await settle(bridge, ada);
    await ada.expectNothing(event('participants', 'flags'));
    await ada.expectNothing(isUpdate);
  });

  test('a caller that is added again is the same one, and whoever it is now is told as a change', async () => {
    const { token, ada, bridge } = await callWithBridge();
    const sessionid = await caller(token, bridge, ada);
    const again = { sessionid: 'call-1', roomid: token, userid: 'phone', user: { number: '+49' }, flags: 1 };
    for (let time = 0; time < 2; time += 1) internal(bridge, 'addsession', again);
    expect(await expectEvent(ada, 'room', 'change')).toEqual([{ sessionid, userid: 'phone', user: { number: '+49' } }]);
    await bridge.fence();
    await settle(bridge, ada);
    await ada.expectNothing(event('room', 'change'));
    await ada.expectNothing(event('room', 'join'));
  });

  test('messages and orders for a caller reach the bridge, which knows for whom', async () => {
    const { token, ada, bridge } = await callWithBridge();
    const sessionid = await caller(token, bridge, ada);
    ada.message({ type: 'session', sessionid }, { hello: 'caller' });
    expect((await bridge.expect('message')).message).toEqual({
      sender: { type: 'session', sessionid: ada.sessionId, userid: anyText },
      recipient: { type: 'session', sessionid: 'call-1' },
      data: { hello: 'caller' },
    });
    ada.send({
      type: 'control',
      control: { recipient: { type: 'session', sessionid }, data: { type: 'mute', audio: 1 } },
    });
    expect((await bridge.expect('control')).control).toMatchObject({
      sender: { sessionid: ada.sessionId },
      recipient: { type: 'session', sessionid: 'call-1' },
      data: { type: 'mute', audio: 1 },
    });
    // Not from another tenant.
    const eve = await house.stranger.user(house.one, newUser('eve'));
    eve.message({ type: 'session', sessionid }, 'psst');
    eve.send({ type: 'control', control: { recipient: { type: 'session', sessionid }, data: 'psst' } });
    await eve.fence();
    await settle(ada, bridge);
    await bridge.expectNothing((envelope) => JSON.stringify(envelope).includes('psst'));
  });

  test('a caller that its backend lists too appears once, marked, with what the server knows better', async () => {
    const { token, ada, bridge } = await callWithBridge();
    const sessionid = await caller(token, bridge, ada);
    for (let seen = 0; seen < 2; seen += 1) await ada.expect(isUpdate);
    const users = [
      { sessionId: foreignIdOf(ada), inCall: 7 },
      { sessionId: sessionid, inCall: 1, displayName: 'Somebody by phone' },
    ];
    await house.postTo('two')(token, 'participants', { changed: [], users });
    const told = [
      { sessionId: ada.sessionId, inCall: 7, userId: anyText },
      { sessionId: sessionid, inCall: 9, displayName: 'Somebody by phone', virtual: true, userId: 'phone' },
      { sessionId: bridge.sessionId, inCall: 3, internal: true, lastPing: anyNumber },
    ];
    expect(await usersTold(ada)).toEqual(told);
    // Whoever comes back without having missed a list is told the present one.
    ada.drop();
    await ada.expectClosed();
    const again = await house.region.connect(house.two, 'ada again');
    await again.helloResume(ada.resumeId);
    expect(await usersTold(again)).toEqual(told);
  });

  test('a caller is removed: leave, the backend hears it, and it is on no list any more', async () => {
    const { token, ada, bridge } = await callWithBridge();
    const sessionid = await caller(token, bridge, ada);
    internal(bridge, 'removesession', { sessionid: 'call-1', roomid: token });
    expect(await expectEvent(ada, 'room', 'leave')).toEqual([sessionid]);
    await bridge.fence();
    expect(requestsAbout(sessionid).map(({ session }) => session?.action)).toEqual(['add', 'remove']);
    ada.message({ type: 'session', sessionid }, 'too late');
    await settle(ada, bridge);
    await bridge.expectNothing((envelope) => JSON.stringify(envelope).includes('too late'));
  });

  test('a caller with an actor joins and leaves like anybody; the backend may refuse it', async () => {
    const { token, ada, bridge } = await callWithBridge();
    const options = { actorId: 'alice', actorType: 'phones' };
    const sessionid = await caller(token, bridge, ada, { options });
    internal(bridge, 'removesession', { sessionid: 'call-1', roomid: token });
    await expectEvent(ada, 'room', 'leave');
    await bridge.fence();
    const named = { version: '1.0', roomid: token, userid: 'phone', sessionid, actorid: 'alice', actortype: 'phones' };
    expect(requestsAbout(sessionid).map(({ room }) => room)).toEqual([
      { ...named, incall: 9 },
      { ...named, action: 'leave' },
    ]);
    const secret = `secret-${newToken()}`;
    const keeper = await house.talk.service(house.one, 'keeper');
    await keeper.join(secret);
    internal(bridge, 'addsession', { sessionid: 'call-2', roomid: secret, options });
    expect(await bridge.expectError('add_failed')).toMatchObject({ id: 'of addsession' });
  });

  test('with internal-incall everybody begins outside the call, and says when that changes', async () => {
    const { token, ada, bridge } = await callWithBridge(['internal-incall']);
    expect(await usersTold(ada)).toMatchObject([
      { sessionId: bridge.sessionId, inCall: 0, features: ['internal-incall'] },
    ]);
    const sessionid = await caller(token, bridge, ada, { flags: 0 });
    expect(await usersTold(ada)).toMatchObject([{ inCall: 0 }, { sessionId: sessionid, inCall: 0 }]);
    internal(bridge, 'incall', { incall: 1 });
    expect(await usersTold(ada)).toMatchObject([{ sessionId: bridge.sessionId, inCall: 1 }, { inCall: 0 }]);
    internal(bridge, 'updatesession', { sessionid: 'call-1', roomid: token, incall: 9 });
    expect(await usersTold(ada)).toMatchObject([{ inCall: 1 }, { sessionId: sessionid, inCall: 9 }]);
    await settle(bridge, ada);
    await ada.expectNothing(event('participants', 'flags'));
  });

  /** The same session with another connection. */
  async function resumedElsewhere(client: ScriptedSignalingClient, replica: RunningSignaling) {
    await client.fence();
    client.drop();
    await client.expectClosed();
    const again = await house.region.connect(replica, 'bridge again');
    await again.helloResume(client.resumeId);
    return again;
  }

  test('what a bridge said about itself outside a room holds over a resume, and so does what it said in one', async () => {
    const [token, other] = [newToken(), newToken()];
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    const bob = await house.talk.member(house.two, newUser('bob'), other);
    const bridge = await house.talk.service(house.one, 'bridge');
    internal(bridge, 'incall', { incall: 9 });
    const second = await resumedElsewhere(bridge, house.two);
    await second.join(token);
    expect(await usersTold(ada)).toMatchObject([{ sessionId: bridge.sessionId, inCall: 9 }]);
    internal(second, 'incall', { incall: 1 });
    expect(await usersTold(ada)).toMatchObject([{ inCall: 1 }]);
    await second.leave();
    const third = await resumedElsewhere(second, house.one);
    await third.join(other);
    expect(await usersTold(bob)).toMatchObject([{ sessionId: bridge.sessionId, inCall: 1 }]);
  });

  test('callers go with their bridge, and their backend hears it; the lists are without the bridge then', async () => {
    const { token, ada, bridge } = await callWithBridge();
    const sessionid = await caller(token, bridge, ada);
    await bridge.bye();
    const gone = new Set<unknown>();
    while (gone.size < 2) for (const id of (await expectEvent(ada, 'room', 'leave')) as unknown[]) gone.add(id);
    expect(gone).toEqual(new Set([bridge.sessionId, sessionid]));
    const isWithoutBridge = (envelope: Envelope) =>
      isUpdate(envelope) && !JSON.stringify(envelope).includes(bridge.sessionId);
    await ada.expect(isWithoutBridge);
    await house.talk.cloud.expectRequest(
      ({ session }) => session?.sessionid === sessionid && session.action === 'remove',
    );
  });

  test('a bridge that resumes elsewhere still speaks for its callers', async () => {
    const { token, ada, bridge } = await callWithBridge();
    const sessionid = await caller(token, bridge, ada);
    bridge.drop();
    await bridge.expectClosed();
    ada.message({ type: 'session', sessionid }, 'meanwhile');
    const again = await house.region.connect(house.one, 'bridge again');
    await again.helloResume(bridge.resumeId);
    expect((await again.expect('message')).message).toMatchObject({
      recipient: { sessionid: 'call-1' },
      data: 'meanwhile',
    });
    internal(again, 'updatesession', { sessionid: 'call-1', roomid: token, flags: 2 });
    await ada.expect((envelope) => (eventOf(envelope)?.flags as { flags?: number } | undefined)?.flags === 2);
    internal(again, 'removesession', { sessionid: 'call-1', roomid: token });
    expect(await expectEvent(ada, 'room', 'leave')).toEqual([sessionid]);
  });

  test('a caller that is disinvited: the bridge is told to hang up', async () => {
    const { token, ada, bridge } = await callWithBridge();
    const sessionid = await caller(token, bridge, ada);
    await house.postTo('one')(token, 'disinvite', { sessionids: [sessionid], alluserids: [], properties: {} });
    expect((await bridge.expect('control')).control).toMatchObject({
      recipient: { type: 'session', sessionid: 'call-1' },
      data: { type: 'hangup', hangup: { reason: 'disinvited' } },
    });
  });

  test('what only services may say is ignored from others; rooms nobody is in have no callers', async () => {
    const { token, ada, bridge } = await callWithBridge();
    await ada.expect(isUpdate);
    internal(ada, 'addsession', { sessionid: 'call-1', roomid: token });
    internal(ada, 'incall', { incall: 7 });
    internal(bridge, 'addsession', { sessionid: 'call-1', roomid: newToken() });
    internal(bridge, 'updatesession', { sessionid: 'unknown', roomid: token, flags: 1 });
    internal(bridge, 'removesession', { sessionid: 'unknown', roomid: token });
    internal(bridge, 'something', {});
    await bridge.expectNothing('error');
    await ada.expectNothing('error');
    await settle(bridge, ada);
    await ada.expectNothing(event('room', 'join'));
  });
});
