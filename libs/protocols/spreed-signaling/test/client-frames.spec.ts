import { decodeFrame } from '../src';

const decode = (frame: object) => decodeFrame(JSON.stringify({ id: 'x', ...frame }));
const requestOf = (frame: object) => {
  const decoded = decode(frame);
  return decoded.ok && 'request' in decoded.value ? decoded.value.request : decoded;
};
const invalid = { ok: false, error: { code: 'invalid_format', id: 'x' } };
/** Members of the wrong kind: the frame is not even one of this protocol, so no id is given back. */
const unreadable = { ok: false, error: { code: 'invalid_format', id: undefined } };

describe('hello', () => {
  const hello = (body: object) => decode({ type: 'hello', hello: body });
  const url = 'https://cloud.test/ocs/v2.php/apps/spreed/api/v3/signaling/backend';

  test.each([
    ['1.0, client', { version: '1.0', auth: { url, params: { a: 1 } } }],
    ['2.0, client', { version: '2.0', auth: { type: 'client', url, params: { token: 't' } } }],
    ['internal', { version: '1.0', auth: { type: 'internal', params: { backend: url } } }],
    ['1.0, federation', { version: '1.0', auth: { type: 'federation', url, params: { ticket: 't' } } }],
    ['2.0, federation', { version: '2.0', auth: { type: 'federation', url, params: { token: 't' } } }],
    ['resume, nothing else counts', { version: '1.0', resumeid: 'r', auth: { type: 'no such type' } }],
  ])('%s is understood', (_name, body) => {
    expect(hello(body)).toMatchObject({ ok: true });
  });

  test.each([
    ['no params', { version: '1.0', auth: { url } }],
    ['no url', { version: '1.0', auth: { params: {} } }],
    ['a relative url', { version: '1.0', auth: { url: '/only/a/path', params: {} } }],
    ['an unknown type', { version: '1.0', auth: { type: 'robot', url, params: {} } }],
    ['internal without backend', { version: '1.0', auth: { type: 'internal', params: { random: 'r' } } }],
    ['2.0 without token', { version: '2.0', auth: { url, params: {} } }],
    ['2.0 with params of the wrong kind', { version: '2.0', auth: { url, params: [1] } }],
  ])('%s is not', (_name, body) => {
    expect(hello(body)).toMatchObject(invalid);
  });

  test('of other versions it is said what is wrong', () => {
    for (const version of ['0.0', '3.0', undefined]) {
      expect(hello({ version, auth: { url, params: {} } })).toMatchObject({
        error: { code: 'invalid_hello_version', id: 'x' },
      });
    }
  });
});

describe.each(['message', 'control'])('%s', (type) => {
  const message = (body: object) => decode({ type, [type]: body });

  test.each([
    { recipient: { type: 'session', sessionid: 's' }, data: 1 },
    { recipient: { type: 'user', userid: 'u' }, data: { a: 1 } },
    { recipient: { type: 'room' }, data: 'x' },
    { recipient: { type: 'call' }, data: null },
  ])('to %j is understood', (body) => {
    expect(message(body)).toMatchObject({ ok: true });
  });

  test.each([
    {},
    { recipient: { type: 'room' } },
    { data: 1 },
    { recipient: { type: 'session', userid: 'u' }, data: 1 },
    { recipient: { type: 'user', sessionid: 's' }, data: 1 },
    { recipient: { type: 'everybody' }, data: 1 },
  ])('%j is not', (body) => {
    expect(message(body)).toMatchObject(invalid);
  });
});

describe('room and bye', () => {
  test('a federated room needs a server, a room URL and a token', () => {
    const complete = { signaling: 'https://other.test/', url: 'https://cloud.test/', token: 't' };
    const room = (federation: object) => decode({ type: 'room', room: { roomid: 'r', federation } });
    expect(room(complete)).toMatchObject({ ok: true, value: { federation: {} } });
    for (const missing of ['signaling', 'url', 'token'])
      expect(room({ ...complete, [missing]: '' })).toMatchObject(invalid);
    expect(room({ ...complete, url: 'no url' })).toMatchObject(invalid);
  });

  test('a bye may come without its object', () => {
    expect(decode({ type: 'bye' })).toMatchObject({ ok: true });
    expect(decode({ type: 'bye', bye: {} })).toMatchObject({ ok: true });
    expect(decode({ type: 'bye', bye: 1 })).toMatchObject(unreadable);
  });
});

describe('internal', () => {
  const internal = (type: string, body?: unknown) => requestOf({ type: 'internal', internal: { type, [type]: body } });
  const name = { sessionid: 'c', roomid: 'r' };

  test('a session to add, with everything that may be said of it', () => {
    const everything = { ...name, userid: 'u', user: { type: 'phone' }, flags: 1, incall: 7 };
    expect(internal('addsession', { ...everything, options: { actorId: 'a', actorType: 't' } })).toEqual({
      kind: 'add-session',
      chosenId: 'c',
      roomId: 'r',
      userId: 'u',
      user: { type: 'phone' },
      flags: 1,
      inCall: 7,
      actor: { id: 'a', type: 't' },
    });
    // Half an actor is none.
    expect(internal('addsession', { ...name, options: { actorId: 'a' } })).toMatchObject({
      flags: 0,
      actor: undefined,
    });
  });

  test('updates, removals, flags of its own', () => {
    expect(internal('updatesession', { ...name, flags: 0 })).toMatchObject({ flags: 0, inCall: undefined });
    expect(internal('removesession', name)).toMatchObject({ kind: 'remove-session', chosenId: 'c', userId: '' });
    expect(internal('incall', { incall: 0 })).toEqual({ kind: 'in-call', inCall: 0 });
    expect(internal('something new', {})).toEqual({ kind: 'unknown' });
  });

  test('what a bridge tells of a call', () => {
    const status = { callid: '1', status: 'ringing', cause: 'x' };
    expect(internal('dialout', { type: 'status', roomid: 'r', status })).toMatchObject({
      report: { kind: 'status', callId: '1', status: 'ringing', raw: status },
    });
    const error = { code: 'busy', message: 'm' };
    expect(internal('dialout', { type: 'error', roomid: 'r', error })).toMatchObject({
      report: { kind: 'error', error },
    });
    expect(internal('dialout', { type: 'wave', roomid: 'r' })).toMatchObject({
      report: { kind: 'other', type: 'wave' },
    });
  });

  test.each([
    ['', {}],
    ['addsession', undefined],
    ['addsession', { sessionid: 'c' }],
    ['addsession', { roomid: 'r' }],
    ['addsession', { ...name, sessionid: 'c'.repeat(1_025) }],
    ['updatesession', { sessionid: 'c' }],
    ['removesession', { roomid: 'r' }],
    ['incall', undefined],
    ['dialout', { roomid: 'r' }],
    ['dialout', { type: 'error', roomid: 'r' }],
    ['dialout', { type: 'status', roomid: 'r' }],
    ['dialout', { type: 'error', error: {} }],
  ])('%s %j lacks something', (type, body) => {
    expect(internal(type, body)).toMatchObject(invalid);
  });

  test('members of the wrong kind make the frame unreadable', () => {
    expect(internal('addsession', { ...name, flags: 'many' })).toMatchObject(unreadable);
    expect(internal('incall', { incall: true })).toMatchObject(unreadable);
    expect(internal('addsession', { ...name, user: 'phone' })).toMatchObject(unreadable);
  });
});

describe('transient', () => {
  const transient = (body: object) => requestOf({ type: 'transient', transient: body });

  test('values of any kind; nothing removes', () => {
    for (const value of [0, '', false, [], { a: null }]) {
      expect(transient({ type: 'set', key: 'k', value })).toEqual({ kind: 'set', key: 'k', value, ttlMs: undefined });
    }
    for (const gone of [
      { type: 'set', key: 'k' },
      { type: 'set', key: 'k', value: null },
      { type: 'remove', key: 'k' },
    ]) {
      expect(transient(gone)).toEqual({ kind: 'remove', key: 'k' });
    }
  });

  test('a time to live is in nanoseconds, and never shortened to nothing', () => {
    const ttlMs = (ttl: number) => (transient({ type: 'set', key: 'k', value: 1, ttl }) as { ttlMs?: number }).ttlMs;
    expect([1, 1_000_000, 1_500_000, 60_000_000_000].map(ttlMs)).toEqual([1, 1, 2, 60_000]);
    expect([0, -5].map(ttlMs)).toEqual([undefined, undefined]);
  });

  test('needs a key, and a type that is known', () => {
    expect(transient({ type: 'set', key: '', value: 1 })).toMatchObject(invalid);
    expect(transient({ type: 'remove' })).toMatchObject(invalid);
    expect(transient({ type: 'grow' })).toEqual({ kind: 'unknown' });
    expect(transient({ key: 'k' })).toEqual({ kind: 'unknown' });
    expect(transient({ type: 'set', key: 'k', ttl: '1 s' })).toMatchObject(unreadable);
  });
});
