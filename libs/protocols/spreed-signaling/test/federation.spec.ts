import type { JsonObject, JsonValue } from '@parley/domain';
import fc from 'fast-check';
import { FederationNames, isDisinvitation, localFrame, readRemoteFrame, remoteFrame } from '../src';

const LOCAL = 'local-session';
const REMOTE = 'remote-session';
const names = new FederationNames({
  session: { local: LOCAL, remote: REMOTE },
  rooms: [
    { local: 'next', remote: 'far-next' },
    { local: 'here', remote: 'there' },
  ],
  cloud: { local: 'near.test/nc', remote: 'far.test' },
  remoteServer: 'https://far.test',
});

const local = (frame: JsonObject) => JSON.parse(localFrame(JSON.stringify(frame), names)) as JsonObject;
const event = (target: string, type: string, payload: JsonValue) => ({
  type: 'event',
  event: { target, type, [type]: payload },
});
const remote = (frame: JsonObject) => {
  const text = remoteFrame(JSON.stringify(frame), names);
  return text === undefined ? undefined : (JSON.parse(text) as JsonObject);
};

describe('what the client reads', () => {
  test('room: the answer, pushed ones, leaving', () => {
    expect(local({ id: '1', type: 'room', room: { roomid: 'there', properties: { a: 1 } } })).toEqual({
      id: '1',
      type: 'room',
      room: { roomid: 'here', properties: { a: 1 } },
    });
    expect(local({ type: 'room', room: { roomid: 'far-next' } }).room).toEqual({ roomid: 'next' });
    expect(local({ type: 'room', room: { roomid: '' } }).room).toEqual({ roomid: '' });
  });

  test('already_joined names its own room, flat and nested', () => {
    const error = { code: 'already_joined', details: { roomid: 'there', room: { roomid: 'there', properties: {} } } };
    expect(local({ type: 'error', error }).error).toEqual({
      code: 'already_joined',
      details: { roomid: 'here', room: { roomid: 'here', properties: {} } },
    });
    expect(local({ type: 'error', error: { code: 'x' } }).error).toEqual({ code: 'x' });
  });

  test('join and leave', () => {
    const me = { sessionid: REMOTE, userid: 'ada', federated: true };
    const other = { sessionid: 'other', userid: 'bob' };
    expect(local(event('room', 'join', [me, other]))).toEqual(
      event('room', 'join', [{ ...me, sessionid: LOCAL }, other]),
    );
    expect(local(event('room', 'leave', ['other', REMOTE]))).toEqual(event('room', 'leave', ['other', LOCAL]));
  });

  test('participants: sessions, room, people of both clouds and of a third', () => {
    const users = [
      { sessionId: REMOTE, actorType: 'federated_users', actorId: 'ada@near.test/nc', inCall: 7 },
      { sessionId: 's', actorType: 'federated_users', actorId: 'a@b@https://near.test/nc/' },
      { sessionId: 'x', actorType: 'users', actorId: 'bob' },
      { sessionId: 'y', actorType: 'federated_users', actorId: 'eve@third.test' },
      { sessionId: 'z', actorType: 'guests', actorId: 'g' },
    ];
    expect(local(event('participants', 'update', { roomid: 'there', users })).event).toMatchObject({
      update: {
        roomid: 'here',
        users: [
          { sessionId: LOCAL, actorType: 'users', actorId: 'ada', inCall: 7 },
          { sessionId: 's', actorType: 'users', actorId: 'a@b' },
          { sessionId: 'x', actorType: 'federated_users', actorId: 'bob@far.test' },
          { sessionId: 'y', actorType: 'federated_users', actorId: 'eve@third.test' },
          { sessionId: 'z', actorType: 'guests', actorId: 'g' },
        ],
      },
    });
    const [changed] = users;
    expect(local(event('participants', 'update', { roomid: 'there', changed: [changed ?? {}] })).event).toMatchObject({
      update: { changed: [{ sessionId: LOCAL, actorType: 'users', actorId: 'ada' }] },
    });
    const all = { roomid: 'there', incall: 7, all: true };
    expect(local(event('participants', 'update', all)).event).toMatchObject({ update: { ...all, roomid: 'here' } });
    const flags = { roomid: 'there', sessionid: REMOTE, flags: 1 };
    expect(local(event('participants', 'flags', flags)).event).toMatchObject({
      flags: { roomid: 'here', sessionid: LOCAL, flags: 1 },
    });
  });

  test('room lists and switching', () => {
    const payload = { roomid: 'there', reason: 'disinvited' };
    expect(local(event('roomlist', 'disinvite', payload)).event).toMatchObject({ disinvite: { roomid: 'here' } });
    expect(local(event('room', 'switchto', { roomid: 'far-next' })).event).toMatchObject({
      switchto: { roomid: 'next' },
    });
  });

  test('chat: actors, token, mentions, the comment that is answered', () => {
    const comment = {
      id: 1,
      token: 'there',
      actorType: 'users',
      actorId: 'bob',
      lastEditActorType: 'federated_users',
      lastEditActorId: 'ada@near.test/nc',
      messageParameters: {
        'mention-call1': { type: 'call', id: 'there' },
        'mention-user1': { type: 'user', id: 'bob' },
        'mention-user2': {
          type: 'user',
          id: 'ada',
          server: 'https://near.test/nc',
          'mention-id': 'federated_user/ada',
        },
        'mention-user3': { type: 'user', id: 'eve', server: 'third.test' },
        'mention-user4': { type: 'user', id: 'joe', 'mention-id': 'joe' },
        actor: { type: 'user', id: 'bob' },
        file: { type: 'file', id: '1' },
      },
      parent: { token: 'there', actorType: 'federated_users', actorId: 'ada@near.test/nc' },
    };
    const expected = {
      token: 'here',
      actorType: 'federated_users',
      actorId: 'bob@far.test',
      lastEditActorType: 'users',
      lastEditActorId: 'ada',
      messageParameters: {
        'mention-call1': { type: 'call', id: 'here' },
        'mention-user1': { type: 'user', id: 'bob', server: 'https://far.test', 'mention-id': 'bob' },
        'mention-user2': { type: 'user', id: 'ada', 'mention-id': 'federated_user/ada' },
        'mention-user3': { type: 'user', id: 'eve', server: 'third.test' },
        'mention-user4': { type: 'user', id: 'joe', server: 'https://far.test', 'mention-id': 'joe' },
        actor: { type: 'user', id: 'bob', server: 'https://far.test' },
        file: { type: 'file', id: '1' },
      },
      parent: { token: 'here', actorType: 'users', actorId: 'ada' },
    };
    const shown = (chat: JsonObject) =>
      local(event('room', 'message', { roomid: 'there', data: { type: 'chat', chat } })).event;
    expect(shown({ comment })).toMatchObject({ message: { roomid: 'here', data: { chat: { comment: expected } } } });
    expect(shown({ comments: [comment] })).toMatchObject({ message: { data: { chat: { comments: [expected] } } } });
    expect(shown({ refresh: true })).toMatchObject({ message: { roomid: 'here', data: { chat: { refresh: true } } } });
  });

  test('transient values of its own session', () => {
    const change = (key: string) => local({ type: 'transient', transient: { type: 'set', key, value: 1 } }).transient;
    expect(change(`sd:${REMOTE}`)).toMatchObject({ key: `sd:${LOCAL}` });
    expect(change('sd:other')).toMatchObject({ key: 'sd:other' });
    const initial = { type: 'initial', data: { [`sd:${REMOTE}`]: 1, a: 2 } };
    expect(local({ type: 'transient', transient: initial }).transient).toEqual({
      type: 'initial',
      data: { [`sd:${LOCAL}`]: 1, a: 2 },
    });
  });

  test('messages keep their bytes, but for the ids of its own session', () => {
    const text = `{"type":"control","control":{"sender":{"type":"session","sessionid":"${REMOTE}"},"recipient":{"sessionid":"${REMOTE}"},"data":{"n": 12345678901234567890.0,"payload" : {"action":"forceMute","peerId":"${REMOTE}"},"to":"other"}}}`;
    expect(localFrame(text, names)).toBe(text.replaceAll(REMOTE, LOCAL));
  });
});

describe('what the other cluster reads', () => {
  const message = (recipient: JsonObject, data: JsonValue = 1) => ({ type: 'message', message: { recipient, data } });

  test('not what the client sends to itself, by either name', () => {
    expect(remote(message({ type: 'session', sessionid: LOCAL }))).toBeUndefined();
    expect(remote(message({ type: 'session', sessionid: REMOTE }))).toBeUndefined();
    expect(remote(message({ type: 'session', sessionid: 'other' }))).toBeDefined();
  });

  test('whom an order is about', () => {
    const order = (peerId: string) => ({ type: 'control', payload: { action: 'forceMute', peerId }, peerId });
    expect(remote(message({ type: 'room' }, order(LOCAL)))).toEqual(message({ type: 'room' }, order(REMOTE)));
    expect(remote(message({ type: 'room' }, order('other')))).toEqual(message({ type: 'room' }, order('other')));
  });

  test('whom an offer is from', () => {
    const offer = (from: string, to: string) =>
      message({ type: 'session', sessionid: to }, { type: 'offer', from, to, payload: { sdp: LOCAL } });
    expect(remote(offer(LOCAL, 'other'))).toEqual(offer(REMOTE, 'other'));
    // Read from there, the same offer is for the one it is for; what is in it is nobody's name.
    const there = {
      sender: { type: 'session', sessionid: 'other' },
      data: { type: 'offer', from: 'other', to: REMOTE },
    };
    expect(local({ type: 'message', message: there }).message).toEqual({
      ...there,
      data: { ...there.data, to: LOCAL },
    });
  });

  test('transient keys', () => {
    const set = (key: string) => ({ type: 'transient', transient: { type: 'set', key, value: 1 } });
    expect(remote(set(`sd:${LOCAL}`))).toEqual(set(`sd:${REMOTE}`));
    expect(remote(set('k'))).toEqual(set('k'));
  });
});

describe('whatever comes', () => {
  const id = fc.constantFrom(LOCAL, REMOTE, 'other', 'there', 'here', '');
  const json = fc.jsonValue();
  const kind = fc.constantFrom('message', 'control', 'room', 'event', 'transient', 'error', 'bye', 'novelty');
  const envelope = fc
    .tuple(
      kind,
      fc.oneof(json, fc.record({ type: id, target: id, key: id, recipient: json, sender: json, data: json })),
    )
    .map(([type, body]) => JSON.stringify({ type, [type]: body }));

  test('is translated without an error, to JSON again', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          envelope,
          json.map((value) => JSON.stringify(value)),
        ),
        (text) => {
          JSON.parse(localFrame(text, names));
          const out = remoteFrame(text, names);
          if (out !== undefined) JSON.parse(out);
          readRemoteFrame(text);
          isDisinvitation(text, 'there');
        },
      ),
    );
  });

  test('a payload that names nobody passes both ways byte for byte', () => {
    fc.assert(
      fc.property(json, fc.integer({ min: 0, max: 3 }), (value, indent) => {
        const data = JSON.stringify(value, null, indent);
        const text = `{"type":"message","message":{"recipient":{"type":"room"},"sender":{"type":"room","sessionid":"x"},"data":${data}}}`;
        fc.pre(!text.includes(LOCAL) && !text.includes(REMOTE));
        expect(remoteFrame(text, names)).toBe(text);
        expect(localFrame(text, names)).toBe(text);
      }),
    );
  });

  test('an order about oneself that comes back is about oneself again', () => {
    fc.assert(
      fc.property(fc.constantFrom(LOCAL, 'other', 'third'), (peerId) => {
        const text = JSON.stringify({
          type: 'control',
          control: { recipient: { type: 'room' }, data: { action: 'forceMute', peerId } },
        });
        expect(localFrame(remoteFrame(text, names) ?? '', names)).toBe(text);
      }),
    );
  });

  test('nobody is two people: different actors there are different ones here', () => {
    const actor = fc.record({
      type: fc.constantFrom('users', 'federated_users', 'guests'),
      id: fc.constantFrom('ada', 'bob', 'ada@near.test/nc', 'bob@third.test', 'bob@near.test/nc'),
    });
    fc.assert(
      fc.property(actor, actor, (left, right) => {
        const same = left.type === right.type && left.id === right.id;
        const a = names.localActor(left);
        const b = names.localActor(right);
        expect(a.type === b.type && a.id === b.id).toBe(same);
      }),
    );
  });
});
