import { brandAs, type JsonObject, type RoomSessionId } from '@parley/domain';
import type { Envelope, Matcher, ScriptedSignalingClient } from '@parley/testing';
import type { RunningSignaling } from '../src/app';
import { foreignIdOf, TalkServer } from './backend-poster';
import { DOMAIN, TestRegion } from './gateway';

let region: TestRegion;
let one: RunningSignaling;
let two: RunningSignaling;
let talk: TalkServer;
let stranger: TalkServer;
let number = 0;

beforeAll(async () => {
  region = await TestRegion.start();
  talk = await TalkServer.start(region, 'talk');
  stranger = await TalkServer.start(region, 'stranger', true);
  one = await region.replica();
  two = await region.replica();
});
afterEach(() => region?.sendEverybodyHome());
afterAll(async () => {
  await region?.close();
  await talk?.close();
  await stranger?.close();
});

const newToken = () => `token${++number}`;
const newUser = (name: string) => `${name}${++number}`;

interface Event extends JsonObject {
  target: string;
  type: string;
}

function eventOf(envelope: Envelope): Event | undefined {
  return envelope.type === 'event' ? (envelope.event as Event) : undefined;
}

/** An event of this target and type. */
function event(target: string, type: string): Matcher {
  return (envelope) => eventOf(envelope)?.target === target && eventOf(envelope)?.type === type;
}

async function expectEvent(client: ScriptedSignalingClient, target: string, type: string): Promise<unknown> {
  return eventOf(await client.expect(event(target, type)))?.[type];
}

const isRoom = (envelope: Envelope) => envelope.type === 'room' && envelope.id === undefined;
const isUpdate = event('participants', 'update');

/** A message from `sender` to the room reached everybody: whatever was told before has arrived as well. */
async function settle(sender: ScriptedSignalingClient, ...others: ScriptedSignalingClient[]): Promise<void> {
  const data = `marker ${++number}`;
  sender.message({ type: 'room' }, data);
  for (const other of others) {
    await other.expect((envelope) => (envelope.message as { data?: unknown } | undefined)?.data === data);
  }
}

describe.each(['one', 'two'] as const)('a backend asks replica %s', (asked) => {
  const replica = () => (asked === 'one' ? one : two);
  const post = async (token: string, type: string, body: JsonObject) => {
    expect(await talk.post(replica(), token, type, body)).toMatchObject({ status: 200, body: '{}' });
  };

  test('invite: the invited hear it on all their devices, the others of the room hear of a change', async () => {
    const [token, ada, bob, eve] = [newToken(), newUser('ada'), newUser('bob'), newUser('eve')];
    const [here, there] = [await talk.user(one, ada), await talk.user(two, ada)];
    const [second, uninvolved] = [await talk.user(two, bob), await talk.user(one, eve)];
    const properties = { name: 'Lobby', 'lobby-state': 0 };
    await post(token, 'invite', { userids: [ada], alluserids: [ada, bob], properties });
    for (const client of [here, there]) {
      expect(await expectEvent(client, 'roomlist', 'invite')).toEqual({ roomid: token, properties });
    }
    expect(await expectEvent(second, 'roomlist', 'update')).toEqual({ roomid: token, properties });
    await here.expectNothing(event('roomlist', 'update'));
    await uninvolved.expectNothing('event');
  });

  test('disinvite: who is in that room is told, closed and gone; the same user elsewhere only hears it', async () => {
    const [token, elsewhere, ada] = [newToken(), newToken(), newUser('ada')];
    const witness = await talk.member(one, newUser('bob'), token);
    const inside = await talk.member(two, ada, token, { name: 'inside' });
    const outside = await talk.member(two, ada, elsewhere, { name: 'outside' });
    await post(token, 'disinvite', { userids: [ada], alluserids: [], properties: { name: 'x' } });
    for (const client of [inside, outside]) {
      expect(await expectEvent(client, 'roomlist', 'disinvite')).toEqual({ roomid: token, reason: 'disinvited' });
    }
    expect(await inside.expectClosed()).toBe('close 1000');
    await witness.expect(
      (envelope) => eventOf(envelope)?.type === 'leave' && JSON.stringify(envelope).includes(inside.sessionId),
    );
    const again = await region.connect(one, 'again');
    await expect(again.helloResume(inside.resumeId)).rejects.toThrow(/no_such_session/);
    await post(elsewhere, 'update', { userids: [ada], properties: { name: 'still there' } });
    expect(await expectEvent(outside, 'roomlist', 'update')).toMatchObject({ properties: { name: 'still there' } });
  });

  test("disinvite by Nextcloud's session ids takes exactly those sessions", async () => {
    const [token, ada] = [newToken(), newUser('ada')];
    const first = await talk.member(one, ada, token, { name: 'first' });
    const second = await talk.member(two, ada, token, { name: 'second' });
    await post(token, 'disinvite', { sessionids: [foreignIdOf(first), '0', 'unknown'] });
    expect(await expectEvent(first, 'roomlist', 'disinvite')).toEqual({ roomid: token, reason: 'disinvited' });
    expect(await first.expectClosed()).toBe('close 1000');
    await second.expectNothing(event('roomlist', 'disinvite'), (envelope) => eventOf(envelope)?.type === 'leave');
  });

  test('update: members get the new properties once, listed users hear of it every time', async () => {
    const [token, ada] = [newToken(), newUser('ada')];
    const member = await talk.member(two, newUser('bob'), token);
    const listed = await talk.user(one, ada);
    const properties = { name: 'renamed', nested: { a: [1, null] } };
    await post(token, 'update', { userids: [ada], properties });
    expect((await member.expect(isRoom)).room).toEqual({ roomid: token, properties });
    expect(await expectEvent(listed, 'roomlist', 'update')).toEqual({ roomid: token, properties });
    await post(token, 'update', { userids: [ada], properties });
    await expectEvent(listed, 'roomlist', 'update');
    await post(token, 'message', { data: 'after the second' });
    await member.expectNothing(isRoom, event('room', 'message'));
  });

  test('delete: members are out, users are told, the room is closed', async () => {
    const [token, ada, bob] = [newToken(), newUser('ada'), newUser('bob')];
    const inside = [await talk.member(one, ada, token), await talk.member(two, newUser('eve'), token)];
    const outside = await talk.user(two, bob);
    await post(token, 'delete', { userids: [ada, bob] });
    for (const client of inside) expect((await client.expect(isRoom)).room).toEqual({ roomid: '' });
    expect(await expectEvent(outside, 'roomlist', 'disinvite')).toEqual({ roomid: token, reason: 'deleted' });
    const rows = await region.database.prisma.room.findMany({ where: { domainName: DOMAIN, name: token } });
    expect(rows.map(({ closedAt }) => closedAt)).toEqual([expect.any(Date)]);
    // Repeating it is fine.
    await post(token, 'delete', { userids: [bob] });
    await expectEvent(outside, 'roomlist', 'disinvite');
  });

  test('participants: ids translated, unknown ones dropped, permissions kept inside and in force', async () => {
    const token = newToken();
    const ada = await talk.member(one, newUser('ada'), token);
    const bob = await talk.member(two, newUser('bob'), token);
    const order = (n: number) =>
      ada.send({ type: 'control', control: { recipient: { type: 'room' }, data: { type: 'mute', n } } });
    // As long as the backend has said nothing, everything is allowed.
    order(1);
    await bob.expect('control');
    const changed = (permissions: string[]) => ({
      changed: [{ sessionId: foreignIdOf(ada), permissions, inCall: 0 }],
      users: [
        { sessionId: foreignIdOf(bob), userId: 'b', permissions: ['control'] },
        { sessionId: '0', userId: 'nobody' },
        { sessionId: 'unknown', userId: 'unknown' },
      ],
    });
    for (const permissions of [['publish-audio'], []]) {
      await post(token, 'participants', changed(permissions));
      for (const client of [ada, bob]) {
        expect(await expectEvent(client, 'participants', 'update')).toEqual({
          roomid: token,
          users: [
            { sessionId: bob.sessionId, userId: 'b' },
            expect.objectContaining({ sessionId: ada.sessionId, inCall: 0 }),
          ],
        });
      }
      order(2);
      await settle(ada, bob);
      await bob.expectNothing('control');
    }
    await post(token, 'participants', changed(['control']));
    await ada.expect(isUpdate);
    order(3);
    expect((await bob.expect('control')).control).toMatchObject({ data: { n: 3 } });
  });

  test('participants nobody of whom is known: accepted, and nothing is told', async () => {
    const token = newToken();
    const ada = await talk.member(one, newUser('ada'), token);
    const list = [{ sessionId: '0' }, { sessionId: 'unknown' }, {}];
    await post(token, 'participants', { changed: list, users: list });
    await post(token, 'incall', { incall: 1, changed: list, users: list });
    await post(token, 'message', { data: 'after it' });
    await ada.expectNothing(isUpdate, event('room', 'message'));
  });

  test('incall: everybody is shown the list in its order; messages to the call reach who is in it', async () => {
    const token = newToken();
    const ada = await talk.member(one, newUser('ada'), token);
    const bob = await talk.member(two, newUser('bob'), token);
    const eve = await talk.member(two, newUser('eve'), token);
    const entry = (client: ScriptedSignalingClient, inCall: number | boolean) => {
      return { sessionId: foreignIdOf(client), nextcloudSessionId: foreignIdOf(client), inCall };
    };
    const tell = async (inCall: number | boolean) => {
      await post(token, 'incall', {
        incall: inCall,
        changed: [entry(bob, inCall)],
        users: [entry(eve, 0), entry(bob, inCall), entry(ada, 0)],
      });
      for (const client of [ada, bob, eve]) {
        const { users } = (await expectEvent(client, 'participants', 'update')) as { users: JsonObject[] };
        expect(users.map(({ sessionId, inCall: flags }) => [sessionId, flags])).toEqual([
          [eve.sessionId, 0],
          [bob.sessionId, inCall],
          [ada.sessionId, 0],
        ]);
      }
    };
    const isCallMessage = (envelope: Envelope) => JSON.stringify(envelope.message ?? '').includes('"call"');
    for (const inCall of [7, true]) {
      await tell(inCall);
      ada.message({ type: 'call' }, { n: 1 });
      expect((await bob.expect('message')).message).toMatchObject({ sender: { type: 'call' }, data: { n: 1 } });
    }
    await tell(0);
    ada.message({ type: 'call' }, { n: 2 });
    await settle(ada, bob, eve);
    await bob.expectNothing(isCallMessage);
    await eve.expectNothing(isCallMessage);
  });

  test('incall all: one event for each, on both replicas, and none when nothing changes', async () => {
    const token = newToken();
    const ada = await talk.member(one, newUser('ada'), token);
    const bob = await talk.member(two, newUser('bob'), token);
    for (const inCall of [7, 0]) {
      for (let time = 0; time < 2; time += 1) await post(token, 'incall', { incall: inCall, all: true });
      for (const client of [ada, bob]) {
        expect(await expectEvent(client, 'participants', 'update')).toEqual({
          roomid: token,
          incall: inCall,
          all: true,
        });
      }
      await settle(ada, bob);
      await settle(bob, ada);
      for (const client of [ada, bob]) await client.expectNothing(isUpdate);
    }
  });

  test('message: everybody in the room gets the same data, nobody else', async () => {
    const token = newToken();
    const members = [await talk.member(one, newUser('ada'), token), await talk.member(two, newUser('bob'), token)];
    const other = await talk.member(one, newUser('eve'), newToken());
    const data = { type: 'recording', recording: { status: 1, 'ünicode "': [0.5, null, '\u2028'] } };
    await post(token, 'message', { data });
    for (const member of members) {
      expect(await expectEvent(member, 'room', 'message')).toEqual({ roomid: token, data });
      await member.expectNothing(event('room', 'message'));
    }
    await other.expectNothing(event('room', 'message'));
  });

  test.each([
    ['one comment', { comment: { id: 1, message: 'hi' } }, [{ id: 1, message: 'hi' }]],
    ['several comments', { comments: [{ id: 1 }, { id: 2 }] }, [{ id: 1 }, { id: 2 }]],
  ])('chat relay, %s: those who can get them, the others are told to fetch them', async (_name, chat, comments) => {
    const token = newToken();
    const modern = await talk.member(two, newUser('ada'), token, { features: ['chat-relay'] });
    const plain = await talk.member(one, newUser('bob'), token);
    await post(token, 'message', { data: { type: 'chat', chat: { refresh: true, ...chat } } });
    for (const comment of comments) {
      expect(await expectEvent(modern, 'room', 'message')).toEqual({
        roomid: token,
        data: { type: 'chat', chat: { comment } },
      });
    }
    expect(await expectEvent(plain, 'room', 'message')).toEqual({
      roomid: token,
      data: { type: 'chat', chat: { refresh: true } },
    });
    for (const client of [modern, plain]) await client.expectNothing(event('room', 'message'));
  });

  test.each([
    ['a list', (ids: string[]) => ids, [undefined, undefined]],
    ['an object', ([a, b]: string[]) => ({ [String(a)]: { x: 1 }, [String(b)]: { y: 2 } }), [{ x: 1 }, { y: 2 }]],
    [
      'an object, one without details',
      ([a, b]: string[]) => ({ [String(a)]: { x: 1 }, [String(b)]: null }),
      [{ x: 1 }],
    ],
  ])('switchto with %s reaches exactly those who are named', async (_name, sessions, details) => {
    const token = newToken();
    const named = [await talk.member(one, newUser('ada'), token), await talk.member(two, newUser('bob'), token)];
    const other = await talk.member(two, newUser('eve'), token);
    await post(token, 'switchto', { roomid: 'break-out', sessions: sessions(named.map(foreignIdOf)) });
    for (const [index, client] of named.entries()) {
      const expected = details[index] === undefined ? {} : { details: details[index] };
      expect(await expectEvent(client, 'room', 'switchto')).toEqual({ roomid: 'break-out', ...expected });
    }
    await settle(named[0] as ScriptedSignalingClient, other);
    await other.expectNothing(event('room', 'switchto'));
  });

  test('switchto of one session; unknown ones are left out; what cannot be read is a 500', async () => {
    const token = newToken();
    const ada = await talk.member(two, newUser('ada'), token);
    await post(token, 'switchto', { roomid: 'there', sessions: [foreignIdOf(ada), 'unknown'] });
    expect(await expectEvent(ada, 'room', 'switchto')).toEqual({ roomid: 'there' });
    expect(await talk.post(replica(), token, 'switchto', { roomid: 'there', sessions: 5 })).toMatchObject({
      status: 500,
      body: 'Error while processing\n',
    });
  });

  test('dialout: a number, a numeric room, and somebody who can telephone', async () => {
    const codeOf = ({ body }: { body: string }) => {
      return (JSON.parse(body) as { dialout: { error: { code: string } } }).dialout.error.code;
    };
    const missing = await talk.post(replica(), '12345', 'dialout', {});
    expect([missing.status, codeOf(missing)]).toEqual([400, 'number_missing']);
    const wrong = await talk.post(replica(), '12345', 'dialout', { number: '12' });
    expect([wrong.status, codeOf(wrong)]).toEqual([400, 'invalid_number']);
    const room = await talk.post(replica(), 'abc', 'dialout', { number: '+12' });
    expect([room.status, codeOf(room)]).toEqual([400, 'invalid_roomid']);
    const nobody = await talk.post(replica(), '12345', 'dialout', { number: '+1234567' });
    expect([nobody.status, codeOf(nobody)]).toEqual([404, 'no_client_available']);
  });

  test('another backend reaches nothing of it, whatever it knows', async () => {
    const [token, ada] = [newToken(), newUser('ada')];
    const victim = await talk.member(two, ada, token);
    const own = await stranger.member(one, ada, token);
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
      expect(await stranger.post(replica(), token, type, body)).toMatchObject({ status: 200 });
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
});

describe('over HTTP', () => {
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
    const answer = await talk.postText(two, 'token', body, headers);
    expect(answer.status).toBe(status);
    const features = answer.headers.get('x-spreed-signaling-features')?.split(', ');
    expect(features).toEqual(expect.arrayContaining(FEATURES));
    expect(Math.abs(Date.parse(answer.headers.get('date') ?? '') - Date.now())).toBeLessThan(5_000);
  });

  test('who names no backend is recognised by its secret', async () => {
    const [token, ada] = [newToken(), newUser('ada')];
    const client = await talk.member(two, ada, token);
    const body = JSON.stringify({ type: 'message', message: { data: 1 } });
    expect(await talk.postText(one, token, body, { 'spreed-signaling-backend': '' })).toMatchObject({ status: 200 });
    await expectEvent(client, 'room', 'message');
  });

  test('failures count on all replicas together', async () => {
    const from = { 'x-forwarded-for': '198.51.100.7' };
    const wrong = { ...from, 'spreed-signaling-checksum': '0'.repeat(64) };
    for (let n = 0; n < 10; n += 1) {
      expect((await talk.postText(n % 2 === 0 ? one : two, 'token', '{}', wrong)).status).toBe(403);
    }
    const good = '{"type":"delete","delete":{}}';
    for (const replica of [one, two]) {
      expect(await talk.postText(replica, 'token', good, from)).toMatchObject({
        status: 429,
        body: 'Too many requests\n',
      });
      expect((await talk.postText(replica, 'token', good)).status).toBe(200);
    }
  });
});

test('requests that overtake each other: everybody ends with the same list, the one that is kept', async () => {
  const token = newToken();
  const ada = await talk.member(one, newUser('ada'), token);
  const bob = await talk.member(two, newUser('bob'), token);
  const tell = (n: number) => {
    const users = [{ sessionId: foreignIdOf(ada), inCall: 0, n }, ...(n % 3 === 0 ? [{ sessionId: 'unknown' }] : [])];
    return talk.post(n % 2 === 0 ? one : two, token, 'incall', { incall: 0, changed: [], users });
  };
  await Promise.all(Array.from({ length: 24 }, (_, n) => tell(n)));
  await settle(ada, bob);
  await settle(bob, ada);
  const room = await region.database.prisma.room.findFirstOrThrow({ where: { name: token, closedAt: null } });
  const kept = await one.live.rooms.document(brandAs<RoomSessionId>(room.id), 'users');
  expect(kept).toHaveLength(1);
  for (const client of [ada, bob]) {
    const last = client.received.filter((envelope) => eventOf(envelope)?.target === 'participants').at(-1);
    expect((last && eventOf(last)?.update) ?? 'no update').toMatchObject({ users: kept });
  }
});
