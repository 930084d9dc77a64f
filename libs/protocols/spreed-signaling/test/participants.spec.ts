import { brandAs, type JsonObject, type Member, type SessionId } from '@parley/domain';
import { belongsToOther, defaultInCall, holds, participantUsers } from '../src';
import { chatFor, isChatRefresh } from '../src/chat-relay';
import { sessionObject } from '../src/from-domain';

const member = (sessionId: string, more: Partial<Member> = {}): Member => ({
  sessionId: brandAs<SessionId>(sessionId),
  kind: 'client',
  role: 'guest',
  userId: '',
  order: 1,
  ...more,
});

describe('who takes part', () => {
  const internal = member('i', { kind: 'internal', inCall: 3, features: ['x'] });
  const virtual = member('v', { kind: 'virtual', inCall: 9, userId: 'phone' });
  const internalEntry = { sessionId: 'i', inCall: 3, internal: true, lastPing: 77, features: ['x'] };

  test("the backend's list in its order, then services and those they speak for", () => {
    const users: JsonObject[] = [{ sessionId: 'b', inCall: 7, nextcloudSessionId: 'n' }, { sessionId: 'a' }];
    expect(participantUsers(users, [internal, member('a'), virtual, member('b')], 77)).toEqual([
      ...users,
      internalEntry,
      { sessionId: 'v', inCall: 9, virtual: true, lastPing: 77, userId: 'phone' },
    ]);
  });

  test('a virtual session that is listed stays one entry, with what is known better here', () => {
    const users = [{ sessionId: 'v', inCall: 0, displayName: 'Caller' }];
    expect(participantUsers(users, [virtual], 77)).toEqual([
      { sessionId: 'v', inCall: 9, displayName: 'Caller', virtual: true, userId: 'phone' },
    ]);
  });

  test('permissions are shown to nobody; a user id that is missing is filled in, one that is there stays', () => {
    const users = [
      { sessionId: 'a', permissions: ['control'] },
      { sessionId: 'b', userId: 'told' },
      { sessionId: 'gone' },
    ];
    const members = [member('a', { userId: 'ada' }), member('b', { userId: 'bob' })];
    expect(participantUsers(users, members, 77)).toEqual([
      { sessionId: 'a', userId: 'ada' },
      { sessionId: 'b', userId: 'told' },
      { sessionId: 'gone' },
    ]);
    expect(users[0]).toEqual({ sessionId: 'a', permissions: ['control'] });
  });

  test('services begin in the call, unless they said that they will tell', () => {
    expect([defaultInCall('internal', []), defaultInCall('virtual', [])]).toEqual([3, 9]);
    const told = ['internal-incall'];
    expect([defaultInCall('internal', told), defaultInCall('virtual', told)]).toEqual([0, 0]);
  });
});

describe('permissions', () => {
  test('before the first list everything is allowed and names are shown', () => {
    expect([holds(undefined, 'control'), holds(undefined, 'transient-data')]).toEqual([true, true]);
    expect(holds(undefined, 'hide-displaynames')).toBe(false);
  });

  test('with a list only what it names, with an empty one nothing', () => {
    expect([holds(['control'], 'control'), holds(['control'], 'transient-data'), holds([], 'control')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(holds(['hide-displaynames'], 'hide-displaynames')).toBe(true);
  });

  test('data of a session is its own', () => {
    expect([belongsToOther('sd:me', 'me'), belongsToOther('sd:you', 'me'), belongsToOther('mood', 'me')]).toEqual([
      false,
      true,
      false,
    ]);
    expect(belongsToOther('sd:me2', 'me')).toBe(true);
  });
});

describe('names', () => {
  test('are left out for those who may not see them; a user of whom nothing else is known, too', () => {
    const user = { displayname: 'Ada', type: 'phone' };
    expect(sessionObject(member('a', { user }), true)).toMatchObject({ user: { type: 'phone' } });
    expect(sessionObject(member('a', { user }), true).user).not.toHaveProperty('displayname');
    expect(sessionObject(member('a', { user: { displayname: 'Ada' } }), true)).not.toHaveProperty('user');
    expect(sessionObject(member('a', { displayName: 'Ada' }), true)).not.toHaveProperty('user');
    expect(sessionObject(member('a', { displayName: 'Ada' }))).toMatchObject({ user: { displayname: 'Ada' } });
  });
});

describe('chat', () => {
  const comment = { id: 1, actorDisplayName: 'Ada', message: 'hi' };
  const relay = { chatRelay: true, hidesNames: false };
  const plain = { chatRelay: false, hidesNames: false };
  const data = { type: 'chat', chat: { refresh: true, comments: [comment, { id: 2 }] } };

  test('comments one by one for those who take them, else one wish to fetch them', () => {
    expect(chatFor(data, relay)).toEqual([
      { type: 'chat', chat: { comment } },
      { type: 'chat', chat: { comment: { id: 2 } } },
    ]);
    expect(chatFor(data, plain)).toEqual([{ type: 'chat', chat: { refresh: true } }]);
    const single = { type: 'chat', chat: { refresh: true, comment } };
    expect(chatFor(single, relay)).toEqual([{ type: 'chat', chat: { comment } }]);
  });

  test('without their authors for those who may not see names', () => {
    expect(chatFor(data, { ...relay, hidesNames: true })).toEqual([
      { type: 'chat', chat: { comment: { ...comment, actorDisplayName: '' } } },
      { type: 'chat', chat: { comment: { id: 2 } } },
    ]);
  });

  test('everything else is left as it is', () => {
    const others = [{ type: 'chat', chat: { refresh: true } }, { type: 'recording', chat: { comment } }, 'text', null];
    for (const other of others)
      for (const receiver of [relay, plain]) expect(chatFor(other, receiver)).toEqual([other]);
  });

  test('what is nothing but a wish to fetch it', () => {
    expect(isChatRefresh({ type: 'chat', chat: { refresh: true } })).toBe(true);
    const others = [
      { type: 'chat', chat: { refresh: false } },
      { type: 'chat' },
      { chat: { refresh: true } },
      [],
      null,
    ];
    for (const other of others) expect(isChatRefresh(other)).toBe(false);
  });
});
