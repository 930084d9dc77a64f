import type { Envelope, ScriptedSignalingClient } from '@parley/testing';
import { event, eventOf, expectEvent, foreignIdOf, isRoom, isUpdate } from './backend-poster';
import { inEveryLayout } from './layouts';
import { TalkHouse } from './talk-house';

const anyText: unknown = expect.any(String);
const bobsName: unknown = expect.stringContaining('Displayname bob');
const house = new TalkHouse();
const { newToken, newUser, settle } = house;

const order = (client: ScriptedSignalingClient, recipient: { type: string; [key: string]: string }, data: string) =>
  client.send({ type: 'control', control: { recipient, data } });

const saysExactly = (data: string) => (envelope: Envelope) => JSON.stringify(envelope).includes(`"${data}"`);

/** Drops a client's connection; answers what resumes it on a replica. */
async function lose(client: ScriptedSignalingClient) {
  client.drop();
  await client.expectClosed();
  return async (replica: 'one' | 'two') => {
    const again = await house.region.connect(house[replica], 'back again');
    await again.helloResume(client.resumeId);
    return again;
  };
}

inEveryLayout(house, () => {
  test('who may not see names gets joins without them, no new names, and comments without authors', async () => {
    const token = newToken();
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    const shy = await house.talk.member(house.two, newUser('shy'), token, { features: ['chat-relay'] });
    const hide = { sessionId: foreignIdOf(shy), permissions: ['hide-displaynames'] };
    await house.postTo('one')(token, 'participants', { changed: [hide], users: [] });
    await shy.expect(isUpdate);
    const bob = await house.talk.member(house.two, newUser('bob'), token);
    const seen = (await shy.expectJoined(bob.sessionId)).event as { join: { user?: object }[] };
    expect(seen.join[0]).toEqual({
      sessionid: bob.sessionId,
      userid: anyText,
      roomsessionid: foreignIdOf(bob),
    });
    const open = (await ada.expectJoined(bob.sessionId)).event as { join: { user?: object }[] };
    expect(open.join[0]?.user).toEqual({ displayname: bobsName });
    bob.message({ type: 'room' }, { type: 'nickChanged', payload: { name: 'Bobby' } });
    await ada.expect(saysExactly('nickChanged'));
    await settle(bob, shy, ada);
    await shy.expectNothing(saysExactly('nickChanged'));
    const comment = { id: 1, actorDisplayName: 'Ada', message: 'hello' };
    await house.postTo('two')(token, 'message', { data: { type: 'chat', chat: { refresh: true, comment } } });
    expect(await expectEvent(shy, 'room', 'message')).toEqual({
      roomid: token,
      data: { type: 'chat', chat: { comment: { ...comment, actorDisplayName: '' } } },
    });
  });

  test('permissions in the answer to a join are in force at once, also for the joins of others', async () => {
    const token = newToken();
    const hidden = `hidden-${token}`;
    const ada = await house.talk.member(house.one, newUser('ada'), hidden);
    const bob = await house.talk.user(house.two, newUser('bob'));
    await bob.join(hidden, { sessionid: foreignIdOf(bob) });
    for (const id of [bob.sessionId, ada.sessionId]) {
      const { join } = (await bob.expectJoined(id)).event as { join: { user?: object }[] };
      expect(join[0]?.user).toBeUndefined();
    }
    order(bob, { type: 'room' }, 'stop');
    await settle(bob, ada);
    await ada.expectNothing(saysExactly('stop'));
    // The list stays with the session, wherever it goes.
    await bob.join(token, { sessionid: `${foreignIdOf(bob)}2` });
    order(bob, { type: 'session', sessionid: ada.sessionId }, 'stop');
    bob.message({ type: 'session', sessionid: ada.sessionId }, 'marker');
    await ada.expectNothing(saysExactly('stop'), saysExactly('marker'));
  });

  test('orders go to sessions, users and rooms of the own backend, also from outside a room', async () => {
    const [ada, bob] = [
      await house.talk.user(house.one, newUser('ada')),
      await house.talk.user(house.two, newUser('bob')),
    ];
    order(ada, { type: 'session', sessionid: bob.sessionId }, 'one');
    expect((await bob.expect('control')).control).toMatchObject({ sender: { type: 'session' }, data: 'one' });
    const eve = await house.stranger.user(house.two, newUser('eve'));
    order(eve, { type: 'session', sessionid: bob.sessionId }, 'psst');
    await eve.fence();
    order(ada, { type: 'session', sessionid: bob.sessionId }, 'marker');
    await bob.expectNothing(saysExactly('psst'), saysExactly('marker'));
  });

  test('permissions are still in force after a resume elsewhere', async () => {
    const token = newToken();
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    const bob = await house.talk.member(house.one, newUser('bob'), token);
    const changed = [{ sessionId: foreignIdOf(ada), permissions: ['publish-audio'], inCall: 7 }];
    await house.postTo('two')(token, 'incall', { incall: 7, changed, users: [] });
    await house.postTo('two')(token, 'participants', { changed, users: [] });
    await ada.expect(isUpdate);
    const again = await (await lose(ada))('two');
    order(again, { type: 'room' }, 'stop');
    await settle(again, bob);
    await bob.expectNothing(saysExactly('stop'));
    again.send({ id: '9', type: 'transient', transient: { type: 'set', key: 'a', value: 1 } });
    await again.expectError('not_allowed');
    // It is still in the call.
    bob.message({ type: 'call' }, 'to the call');
    await again.expect(saysExactly('to the call'));
  });

  test('who joins its room again under another name is told so, and known by that name', async () => {
    const token = newToken();
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    const bob = await house.talk.member(house.two, newUser('bob'), token);
    const again = await ada.request('room', { roomid: token, sessionid: 'nc/other' });
    expect(again.error).toMatchObject({ code: 'already_joined', details: { room: { roomid: token } } });
    expect(await expectEvent(bob, 'room', 'change')).toMatchObject([
      { sessionid: ada.sessionId, roomsessionid: 'nc/other' },
    ]);
    const post = house.postTo('two');
    await post(token, 'participants', { changed: [], users: [{ sessionId: foreignIdOf(ada) }] });
    await post(token, 'participants', { changed: [], users: [{ sessionId: 'nc/other' }] });
    expect(await expectEvent(bob, 'participants', 'update')).toMatchObject({ users: [{ sessionId: ada.sessionId }] });
    await settle(ada, bob);
    await bob.expectNothing(isUpdate);
    await ada.request('room', { roomid: token, sessionid: foreignIdOf(bob) });
    expect((await bob.expect('bye')).bye).toEqual({ reason: 'room_session_reconnected' });
  });

  test("who names a session of its Nextcloud that is not its own takes nobody's place", async () => {
    const token = newToken();
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    const eve = await house.talk.member(house.two, newUser('eve'), token);
    const { foreignSessions } = house.talk.cloud;
    foreignSessions.add(foreignIdOf(ada));
    const again = await eve.request('room', { roomid: token, sessionid: foreignIdOf(ada) });
    expect(again.error).toMatchObject({ code: 'already_joined' });
    await house.postTo('one')(token, 'participants', { changed: [], users: [{ sessionId: foreignIdOf(ada) }] });
    expect(await expectEvent(eve, 'participants', 'update')).toMatchObject({ users: [{ sessionId: ada.sessionId }] });
    await settle(eve, ada);
    await ada.expectNothing('bye');
    foreignSessions.clear();
  });

  test('two wishes to fetch the chat while detached arrive as one, in order with the rest', async () => {
    const token = newToken();
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    const bob = await house.talk.member(house.two, newUser('bob'), token);
    const back = await lose(ada);
    const refresh = { type: 'chat', chat: { refresh: true } };
    const to = { type: 'session', sessionid: ada.sessionId } as const;
    for (const data of ['before', refresh, 'between', refresh, 'after']) bob.message(to, data);
    await bob.fence();
    const again = await back('two');
    const texts = [];
    for (let n = 0; n < 4; n += 1) texts.push(((await again.expect('message')).message as { data: unknown }).data);
    expect(texts).toEqual(['before', refresh, 'between', 'after']);
    await settle(bob, again);
    await again.expectNothing('message');
  });

  test('a list of participants that was missed comes once, in its place', async () => {
    const token = newToken();
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    const bob = await house.talk.member(house.two, newUser('bob'), token);
    const back = await lose(ada);
    const users = [{ sessionId: foreignIdOf(bob), inCall: 1 }];
    await house.postTo('one')(token, 'incall', { incall: 1, changed: users, users });
    bob.message({ type: 'room' }, 'later');
    await bob.expect(isUpdate);
    await bob.fence();
    const again = await back('one');
    await again.expect(isUpdate);
    await again.expect(saysExactly('later'));
    const [list, later] = [again.received.findIndex(isUpdate), again.received.findIndex(saysExactly('later'))];
    expect(list).toBeLessThan(later);
    await settle(bob, again);
    await again.expectNothing(isUpdate);
  });

  test('a room that is joined is answered before anything of it is told', async () => {
    const token = newToken();
    const bob = await house.talk.member(house.two, newUser('bob'), token);
    const talking = setInterval(() => bob.message({ type: 'room' }, 'chatter'), 1);
    try {
      for (let n = 0; n < 5; n += 1) {
        const ada = await house.talk.user(house.one, newUser('ada'));
        await ada.join(token, { sessionid: foreignIdOf(ada) });
        await ada.expectJoined(bob.sessionId);
        await ada.expect(saysExactly('chatter'));
        const first = ada.received.findIndex((envelope) => saysExactly('chatter')(envelope) || eventOf(envelope));
        const answer = ada.received.findIndex((envelope) => envelope.type === 'room');
        expect(answer).toBeLessThan(first);
      }
    } finally {
      clearInterval(talking);
    }
  });

  test('everybody hears each coming and going once, whatever happens meanwhile', async () => {
    const token = newToken();
    const ada = await house.talk.member(house.one, newUser('ada'), token);
    const others = await Promise.all(
      Array.from({ length: 8 }, (_, n) => house.talk.member(n % 2 ? house.one : house.two, newUser('guest'), token)),
    );
    for (const other of others) await ada.expectJoined(other.sessionId);
    await Promise.all(others.map((other) => other.bye()));
    const gone: unknown[] = [];
    while (gone.length < others.length) gone.push(...((await expectEvent(ada, 'room', 'leave')) as unknown[]));
    expect(gone.sort()).toEqual(others.map(({ sessionId }) => sessionId).sort());
    const joined = ada.received.flatMap(
      (envelope) => (eventOf(envelope)?.join as { sessionid: string }[] | undefined) ?? [],
    );
    expect(new Set(joined.map(({ sessionid }) => sessionid)).size).toBe(joined.length);
    await ada.expectNothing(event('room', 'leave'));
    await ada.expectNothing(isRoom);
  });
});
