import type { ScriptedSignalingClient } from '@parley/testing';
import { event, expectEvent, foreignIdOf, isUpdate } from './backend-poster';
import { inEveryLayout } from './layouts';
import { TalkHouse } from './talk-house';

const house = new TalkHouse();
const { newToken, newUser, settle, post } = house;

inEveryLayout(house, () => {
  test('message: everybody in the room gets the same data, nobody else', async () => {
    const token = newToken();
    const members = [
      await house.talk.member(house.one, newUser('ada'), token),
      await house.talk.member(house.two, newUser('bob'), token),
    ];
    const other = await house.talk.member(house.one, newUser('eve'), newToken());
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
    const modern = await house.talk.member(house.two, newUser('ada'), token, { features: ['chat-relay'] });
    const plain = await house.talk.member(house.one, newUser('bob'), token);
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
    const named = [
      await house.talk.member(house.one, newUser('ada'), token),
      await house.talk.member(house.two, newUser('bob'), token),
    ];
    const other = await house.talk.member(house.two, newUser('eve'), token);
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
    const ada = await house.talk.member(house.two, newUser('ada'), token);
    await post(token, 'switchto', { roomid: 'there', sessions: [foreignIdOf(ada), 'unknown'] });
    expect(await expectEvent(ada, 'room', 'switchto')).toEqual({ roomid: 'there' });
    expect(await house.talk.post(house.one, token, 'switchto', { roomid: 'there', sessions: 5 })).toMatchObject({
      status: 500,
      body: 'Error while processing\n',
    });
  });

  test('who is not shown names gets comments without them', async () => {
    const token = newToken();
    const ada = await house.talk.member(house.two, newUser('ada'), token, { features: ['chat-relay'] });
    const changed = [{ sessionId: foreignIdOf(ada), permissions: ['hide-displaynames'] }];
    await post(token, 'participants', { changed, users: [] });
    await ada.expect(isUpdate);
    const comment = { id: 1, actorDisplayName: 'Bob' };
    await post(token, 'message', { data: { type: 'chat', chat: { refresh: true, comment } } });
    expect(await expectEvent(ada, 'room', 'message')).toEqual({
      roomid: token,
      data: { type: 'chat', chat: { comment: { id: 1, actorDisplayName: '' } } },
    });
  });

  test('dialout: a number, a numeric room, and somebody who can telephone', async () => {
    const codeOf = ({ body }: { body: string }) => {
      return (JSON.parse(body) as { dialout: { error: { code: string } } }).dialout.error.code;
    };
    const missing = await house.talk.post(house.one, '12345', 'dialout', {});
    expect([missing.status, codeOf(missing)]).toEqual([400, 'number_missing']);
    const wrong = await house.talk.post(house.one, '12345', 'dialout', { number: '12' });
    expect([wrong.status, codeOf(wrong)]).toEqual([400, 'invalid_number']);
    const room = await house.talk.post(house.one, 'abc', 'dialout', { number: '+12' });
    expect([room.status, codeOf(room)]).toEqual([400, 'invalid_roomid']);
    const nobody = await house.talk.post(house.one, '12345', 'dialout', { number: '+1234567' });
    expect([nobody.status, codeOf(nobody)]).toEqual([404, 'no_client_available']);
  });
});
