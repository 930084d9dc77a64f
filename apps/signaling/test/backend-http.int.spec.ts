import type { JsonObject } from '@parley/domain';
import type { ScriptedSignalingClient } from '@parley/testing';
import fc from 'fast-check';
import { eventOf, expectEvent, foreignIdOf, isRoom } from './backend-poster';
import { inEveryLayout, overWebSocket } from './layouts';
import { expectRightTime } from './promised';
import { TalkHouse } from './talk-house';

const house = new TalkHouse();
const { newToken, newUser, settle, post } = house;

inEveryLayout(house, () => {
  test('another backend reaches nothing of it, whatever it knows', async () => {
    const [token, ada] = [newToken(), newUser('ada')];
    const victim = await house.talk.member(house.two, ada, token);
    const own = await house.stranger.member(house.one, ada, token);
    const id = foreignIdOf(victim);
    const all: Array<[string, JsonObject]> = [
      ['invite', { userids: [ada], alluserids: [ada], properties: {} }],
      ['update', { userids: [ada], properties: { name: 'hijacked' } }],
      ['participants', { changed: [{ sessionId: id, permissions: [] }], users: [{ sessionId: id }] }],
      ['incall', { incall: 7, changed: [{ sessionId: id, inCall: 7 }], users: [{ sessionId: id }] }],
      ['incall', { incall: 7, all: true }],
      ['message', { data: 'psst' }],
      ['switchto', { roomid: 'trap', sessions: [id] }],
      ['disinvite', { sessionids: [id] }],
      ['delete', { userids: [] }],
    ];
    for (const [type, body] of all) {
      expect(await house.stranger.post(house.one, token, type, body)).toMatchObject({ status: 200 });
    }
    // Its own session in its own room of that name did hear it.
    await expectEvent(own, 'roomlist', 'invite');
    await own.expect((envelope) => isRoom(envelope) && (envelope.room as { roomid: string }).roomid === '');
    await post(token, 'message', { data: 'after all of it' });
    expect(await expectEvent(victim, 'room', 'message')).toMatchObject({ data: 'after all of it' });
    await victim.expectNothing(
      (envelope) => isRoom(envelope) || ['roomlist', 'participants'].includes(String(eventOf(envelope)?.target)),
    );
    await victim.expectNothing((envelope) => ['switchto', 'message'].includes(String(eventOf(envelope)?.type)));
  });

  test('whatever an authentic backend says, sessions live on, and another backend hears nothing', async () => {
    const token = newToken();
    const members = [
      await house.talk.member(house.one, newUser('ada'), token),
      await house.talk.member(house.two, newUser('bob'), token),
    ];
    const witness = await house.stranger.member(house.two, newUser('eve'), token);
    const heard = witness.received.length;
    const ids = [...members.map(foreignIdOf), foreignIdOf(witness), '0', ''];
    const entries = fc.array(
      fc.oneof(
        fc.record({ sessionId: fc.constantFrom(...ids), inCall: fc.jsonValue(), permissions: fc.jsonValue() }),
        fc.dictionary(fc.string(), fc.jsonValue()),
      ),
      { maxLength: 4 },
    );
    const anything = fc.jsonValue();
    const bodies = fc.oneof(
      fc.tuple(
        fc.constantFrom('participants', 'incall'),
        fc.record({ changed: entries, users: entries, all: fc.boolean(), incall: anything }, { requiredKeys: [] }),
      ),
      fc.tuple(fc.constant('message'), fc.record({ data: anything }, { requiredKeys: [] })),
      fc.tuple(
        fc.constantFrom('invite', 'update'),
        fc.record({ userids: fc.array(fc.string()), properties: anything }),
      ),
      fc.tuple(
        fc.constant('switchto'),
        fc.record({ roomid: fc.string(), sessions: fc.oneof(anything, fc.uniqueArray(fc.constantFrom(...ids))) }),
      ),
      fc.tuple(fc.string(), anything),
    );
    await fc.assert(
      fc.asyncProperty(bodies, fc.boolean(), async ([type, body], first) => {
        const answer = await house.talk.postText(
          first ? house.one : house.two,
          token,
          JSON.stringify({ type, [type]: body }),
        );
        // 500 is for a switchto that cannot be read, nothing else is out of order here.
        expect(type === 'switchto' ? [200, 400, 500] : [200, 400]).toContain(answer.status);
      }),
      { numRuns: 60 },
    );
    const [ada, bob] = members as [ScriptedSignalingClient, ScriptedSignalingClient];
    await settle(ada, bob);
    await settle(bob, ada);
    await witness.fence();
    expect(witness.received.slice(heard).map(({ type }) => type)).toEqual(['error']);
  });
});

/** Each comes from an address of its own. */
let guessers = 0;

overWebSocket(house, () => {
  const FEATURES = ['hello-v2', 'incall-all', 'switchto'];

  test.each([
    ['accepted', 200, '{"type":"delete","delete":{}}', {}],
    ['unsigned', 403, '{}', { 'spreed-signaling-checksum': '' }],
    ['wrongly signed', 403, '{}', { 'spreed-signaling-checksum': 'x' }],
    ['no JSON', 400, 'no json', {}],
    ['unknown type', 400, '{"type":"lala"}', {}],
    ['no object', 400, '{"type":"invite"}', {}],
    ['another content type', 400, '{}', { 'content-type': 'text/plain' }],
    ['too long', 413, `"${'x'.repeat(300_000)}"`, {}],
  ])('%s: %i, with the features and the right time', async (_name, status, body, headers) => {
    const since = Date.now();
    const answer = await house.talk.postText(house.two, 'token', body, headers);
    expect(answer.status).toBe(status);
    const features = answer.headers.get('x-spreed-signaling-features')?.split(', ');
    expect(features).toEqual(expect.arrayContaining(FEATURES));
    expectRightTime(answer.headers, since);
  });

  test.each([
    ['that cannot be decoded', '%zz', 400],
    ['that is too long', 'x'.repeat(600), 414],
  ])('a name %s has the features on its answer too', async (_name, room, status) => {
    const answer = await fetch(`${house.one.url}/api/v1/room/${room}`, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-spreed-signaling-features')).toContain('switchto');
  });

  test('who names no backend is recognised by its secret', async () => {
    const [token, ada] = [newToken(), newUser('ada')];
    const client = await house.talk.member(house.two, ada, token);
    const body = JSON.stringify({ type: 'message', message: { data: 1 } });
    expect(await house.talk.postText(house.one, token, body, { 'spreed-signaling-backend': '' })).toMatchObject({
      status: 200,
    });
    await expectEvent(client, 'room', 'message');
  });

  test('failures count on all replicas together', async () => {
    const from = { 'x-forwarded-for': `203.0.113.${(guessers += 1)}` };
    const wrong = { ...from, 'spreed-signaling-checksum': '0'.repeat(64) };
    for (let n = 0; n < 10; n += 1) {
      expect((await house.talk.postText(n % 2 === 0 ? house.one : house.two, 'token', '{}', wrong)).status).toBe(403);
    }
    const good = '{"type":"delete","delete":{}}';
    for (const replica of [house.one, house.two]) {
      expect(await house.talk.postText(replica, 'token', good, from)).toMatchObject({
        status: 429,
        body: 'Too many requests\n',
      });
      expect((await house.talk.postText(replica, 'token', good)).status).toBe(200);
      // The other tenant behind that address is not shut out with this one.
      expect((await house.stranger.postText(replica, 'token', good, from)).status).toBe(200);
    }
  });

  test('guesses that come at once, on both replicas, win nothing', async () => {
    const wrong = { 'x-forwarded-for': `203.0.113.${(guessers += 1)}`, 'spreed-signaling-checksum': '0'.repeat(64) };
    const guesses = Array.from({ length: 60 }, (_, n) =>
      house.talk.postText(n % 2 === 0 ? house.one : house.two, 'token', '{}', wrong),
    );
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 403)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(50);
  });
});
