import { createHmac, randomBytes } from 'node:crypto';
import { event, eventOf, expectEvent, foreignIdOf, isRoom, isUpdate, joinedIn, says } from './backend-poster';
import { inEveryLayoutAndPolling } from './layouts';
import { expectRightTime, expectWithin } from './promised';
import { TalkHouse } from './talk-house';

// What breaks Nextcloud Talk when it is wrong; one test for each. From 12 on: traps-of-time.int.spec.ts.
const REQUIRED_BY_TALK = ['audio-video-permissions', 'federation', 'incall-all', 'hello-v2', 'switchto'];
const anyText: unknown = expect.any(String);
const house = new TalkHouse();
const { newToken, newUser } = house;

inEveryLayoutAndPolling(house, () => {
  test('1: welcome comes at once; every hello says the features, that of a resume too', async () => {
    await expectWithin(1_000, async () => {
      const early = await house.region.connect(house.one, 'early');
      const since = performance.now();
      await early.expectNext('welcome');
      return performance.now() - since;
    });
    const client = await house.region.connect(house.one, 'Ada');
    const { welcome } = await client.expectNext('welcome');
    expect(welcome).toEqual({ version: expect.stringMatching(/./) as unknown, features: expect.any(Array) as unknown });
    const params = { ticket: 'good', userid: 'ada' };
    const complete = {
      version: '1.0',
      sessionid: anyText,
      resumeid: anyText,
      userid: 'ada',
      server: { version: anyText, features: expect.arrayContaining(REQUIRED_BY_TALK) as unknown },
    };
    const first = (await client.helloV1({ url: house.talk.cloud.url, params })).hello;
    expect(first).toEqual(complete);
    client.drop();
    await client.expectClosed();
    const again = await house.region.connect(house.two, 'Ada again');
    expect((await again.helloResume(client.resumeId)).hello).toEqual(first);
  });

  test('2: every HTTP answer names the features Talk requires and the time; welcome has a version', async () => {
    const since = Date.now();
    const answers = [
      await fetch(`${house.one.url}/api/v1/welcome`),
      await fetch(`${house.one.url}/nothing`),
      await fetch(`${house.one.url}/spreed`),
      await fetch(`${house.one.url}/api/v1/room/token`, { method: 'POST', body: '{}' }),
      await house.talk.postText(house.one, 'token', '{}', { 'spreed-signaling-checksum': 'wrong' }),
      await house.talk.postText(house.one, 'token', 'no json'),
      await house.talk.postText(house.one, 'token', '{"type":"no such type"}'),
      await house.talk.post(house.one, 'token', 'invite', { userids: [] }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 400, 400, 403, 400, 400, 200]);
    for (const { headers } of answers) {
      const features = headers.get('x-spreed-signaling-features')?.split(', ') ?? [];
      expect(features).toEqual(expect.arrayContaining(REQUIRED_BY_TALK));
      expect(features).toEqual([...new Set(features)].sort());
      expect(features).not.toContain('mcu');
      expectRightTime(headers, since);
    }
    expect(await (await fetch(`${house.two.url}/api/v1/welcome`)).json()).toHaveProperty('version', anyText);
    // Who asks from the same machine may read the figures, unless told otherwise.
    expect((await fetch(`${house.two.url}/api/v1/stats`)).status).toBe(200);
  });

  test('3: the bytes are signed, not their meaning; a request that comes again changes nothing', async () => {
    const token = newToken();
    const [ada] = await house.pair(token);
    const odd = `{ "type":"update",\n "update":{"userids":[], "properties":{"name":"\\u00e4 \\/ 1.0", "n":1.00}} }`;
    for (const replica of [house.one, house.two])
      expect(await house.talk.postText(replica, token, odd)).toMatchObject({ status: 200 });
    expect((await ada.expect(isRoom)).room).toMatchObject({ properties: { name: 'ä / 1.0', n: 1 } });
    const random = randomBytes(32).toString('hex');
    const other = createHmac('sha256', house.talk.secret)
      .update(random)
      .update(JSON.stringify(JSON.parse(odd)))
      .digest('hex');
    const forged = { 'spreed-signaling-random': random, 'spreed-signaling-checksum': other };
    expect(await house.talk.postText(house.one, token, odd, forged)).toMatchObject({ status: 403 });
    await house.postTo('two')(token, 'message', { data: 'marker' });
    await ada.expectNothing(isRoom, says('marker'));
  });

  test('4: after a failed resume and a failed hello the same connection takes another hello', async () => {
    const client = await house.region.connect(house.one, 'Ada');
    await expect(client.helloResume('gone')).rejects.toThrow(/no_such_session/);
    await expect(client.helloV1({ url: house.talk.cloud.url, params: { ticket: 'bad' } })).rejects.toThrow(
      /invalid_ticket/,
    );
    await expect(client.hello({ authUrl: house.talk.cloud.url, ticket: 'no.such.token' })).rejects.toThrow(
      /invalid_token/,
    );
    await client.helloV1({ url: house.talk.cloud.url, params: { ticket: 'good', userid: 'ada' } });
    await house.talk.enter(client, newToken());
  });

  test('5: who joins sees itself and the others, each once; leaves are heard of who was there', async () => {
    const token = newToken();
    const [ada, bob] = await house.pair(token);
    await bob.expectJoined(ada.sessionId);
    const eve = await house.talk.member(house.one, newUser('eve'), token);
    await eve.expectJoined(ada.sessionId, bob.sessionId);
    await bob.leave();
    for (const client of [ada, eve]) expect(await expectEvent(client, 'room', 'leave')).toEqual([bob.sessionId]);
    const late = await house.talk.member(house.two, newUser('late'), token);
    await late.expectJoined(ada.sessionId, eve.sessionId);
    await house.postTo('one')(token, 'message', { data: 'marker' });
    await late.expectNothing(event('room', 'leave'), says('marker'));
    for (const client of [eve, late]) expect(new Set(joinedIn(client)).size).toBe(joinedIn(client).length);
    expect(joinedIn(late)).not.toContain(bob.sessionId);
  });

  test('6: a room is answered before it is heard of; errors carry the id; what has no answer has none', async () => {
    const token = newToken();
    const client = await house.talk.user(house.one, newUser('ada'));
    client.send({ id: 'out', type: 'room', room: { roomid: '' } });
    client.send({ id: 'lost', type: 'message', message: { recipient: { type: 'room' }, data: 1 } });
    client.send({ id: 'gone', type: 'message', message: { recipient: { type: 'session', sessionid: 'x' }, data: 1 } });
    client.send({ id: 'new', type: 'something', something: {} });
    client.send({ id: 'no', type: 'room', room: { roomid: 'secret-room' } });
    const refusal = await client.expect('error');
    expect(refusal).toMatchObject({ id: 'no', error: { code: 'no_such_room' } });
    await house.talk.enter(client, token);
    const ids = client.received.map(({ id }) => id);
    for (const silent of ['out', 'lost', 'gone', 'new']) expect(ids).not.toContain(silent);
    const answer = client.received.findIndex(({ type, id }) => type === 'room' && id !== undefined);
    expect(answer).toBeGreaterThan(0);
    expect(answer).toBeLessThan(client.received.findIndex((envelope) => eventOf(envelope)));
  });

  test('7: a resume elsewhere: hello, then what was missed in order, one wish for the chat, one list', async () => {
    const token = newToken();
    const [ada, bob] = await house.pair(token);
    ada.drop();
    await ada.expectClosed();
    const refresh = { type: 'chat', chat: { refresh: true } };
    for (const data of ['first', refresh, 'second', refresh])
      bob.message({ type: 'session', sessionid: ada.sessionId }, data);
    await bob.fence();
    const users = [{ sessionId: foreignIdOf(bob), inCall: 7 }];
    await house.postTo('one')(token, 'incall', { incall: 7, changed: users, users });
    await bob.expect(isUpdate);
    const again = await house.region.connect(house.two, 'Ada again');
    await again.helloResume(ada.resumeId);
    await again.expect(isUpdate);
    bob.message({ type: 'room' }, 'marker');
    await again.expect(says('marker'));
    expect(again.received.slice(0, 2).map(({ type }) => type)).toEqual(['welcome', 'hello']);
    const texts = again.received.map((envelope) => (envelope.message as { data?: unknown } | undefined)?.data);
    expect(texts.filter((data) => data !== undefined)).toEqual(['first', refresh, 'second', 'marker']);
    expect(again.received.filter((envelope) => eventOf(envelope)?.target === 'participants')).toHaveLength(1);
  });

  test('8: the same Nextcloud session again, elsewhere: the former goes, and the backend hears of no leave', async () => {
    const token = newToken();
    const [ada, bob] = await house.pair(token);
    const newer = await house.talk.user(house.two, newUser('ada'));
    await newer.join(token, { sessionid: foreignIdOf(ada) });
    expect((await ada.expect('bye')).bye).toEqual({ reason: 'room_session_reconnected' });
    await ada.expectClosedForGood();
    expect(await expectEvent(bob, 'room', 'leave')).toEqual([ada.sessionId]);
    await bob.expectJoined(newer.sessionId);
    // A notice of its own that comes later than house.one of the former would.
    await bob.leave();
    await house.talk.cloud.expectRequest(({ room }) => room?.action === 'leave' && room.sessionid === foreignIdOf(bob));
    expect(house.talk.cloud.roomActions(foreignIdOf(ada))).toEqual([`join ${token}`, `join ${token}`]);
  });

  test('9: ids of Nextcloud become public ones on all replicas, unknown ones go, permissions are not shown', async () => {
    const token = newToken();
    const [ada, bob] = await house.pair(token);
    const entry = (id: string) => ({ sessionId: id, inCall: 7, permissions: ['publish-audio'], displayName: 'D' });
    const users = [entry(foreignIdOf(ada)), entry('nobody'), entry('0'), entry(foreignIdOf(bob))];
    await house.postTo('two')(token, 'participants', { changed: users, users });
    for (const client of [ada, bob]) {
      const update = (await expectEvent(client, 'participants', 'update')) as { users: { sessionId: string }[] };
      expect(update.users.map(({ sessionId }) => sessionId)).toEqual([ada.sessionId, bob.sessionId]);
      for (const text of ['permissions', foreignIdOf(ada), 'nobody'])
        expect(JSON.stringify(update)).not.toContain(text);
    }
  });

  test('10: of several states the newest is what everybody ends with', async () => {
    const token = newToken();
    const [ada, bob] = await house.pair(token);
    const state = (inCall: number) => {
      const users = [{ sessionId: foreignIdOf(ada), inCall }];
      return { incall: inCall, changed: users, users };
    };
    await Promise.all(
      Array.from({ length: 10 }, (_, n) => house.postTo(n % 2 ? 'one' : 'two')(token, 'incall', state(1 + 2 * n))),
    );
    await house.postTo('two')(token, 'incall', state(0));
    await house.postTo('one')(token, 'incall', state(64));
    await house.postTo('one')(token, 'message', { data: 'marker' });
    for (const client of [ada, bob]) {
      await client.expect(says('marker'));
      const lists = client.received.filter((envelope) => eventOf(envelope)?.target === 'participants');
      expect(lists.at(-1)?.event).toMatchObject({ update: { users: [{ sessionId: ada.sessionId, inCall: 64 }] } });
    }
  });

  test('11: a disinvite from the present room closes the connection, one from another room does not', async () => {
    const [here, elsewhere] = [newToken(), newToken()];
    const ada = newUser('ada');
    const [inside, outside] = [
      await house.talk.member(house.one, ada, here),
      await house.talk.member(house.two, ada, elsewhere),
    ];
    await house.postTo('two')(here, 'disinvite', { userids: [ada] });
    for (const client of [inside, outside])
      expect(await expectEvent(client, 'roomlist', 'disinvite')).toMatchObject({ roomid: here, reason: 'disinvited' });
    await inside.expectClosedForGood();
    await house.postTo('one')(elsewhere, 'update', { userids: [ada], properties: { name: 'still here' } });
    await outside.expect(says('still here'));
    const again = await house.region.connect(house.one, 'inside again');
    await expect(again.helloResume(inside.resumeId)).rejects.toThrow(/no_such_session/);
  });
});
