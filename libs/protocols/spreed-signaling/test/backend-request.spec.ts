import fc from 'fast-check';
import {
  backendChecksum,
  checkDialout,
  checkHeaders,
  decodeBackendRequest,
  MAX_BACKEND_BODY_BYTES,
  refuse,
  signerOf,
  type RawHeaders,
} from '../src';

const GOOD: RawHeaders = {
  'content-length': '2',
  'content-type': 'application/json; charset=utf-8',
  'spreed-signaling-random': 'r',
  'spreed-signaling-checksum': 'c',
  'spreed-signaling-backend': 'https://cloud.test/',
};
const decode = (value: unknown) => decodeBackendRequest(Buffer.from(JSON.stringify(value)));

describe('before the body is read', () => {
  test('a signed JSON request of a known length goes on', () => {
    expect(checkHeaders(GOOD)).toEqual({
      ok: true,
      value: { random: 'r', checksum: 'c', backendUrl: 'https://cloud.test/' },
    });
    expect(checkHeaders({ ...GOOD, 'spreed-signaling-backend': '' })).toMatchObject({
      ok: true,
      value: { backendUrl: undefined },
    });
    expect(checkHeaders({ ...GOOD, 'content-length': String(MAX_BACKEND_BODY_BYTES) }).ok).toBe(true);
  });

  // Every failure below stands before those under it: the first one counts.
  const failures: ReadonlyArray<[RawHeaders, number, string]> = [
    [{ 'transfer-encoding': 'chunked', 'content-length': undefined }, 411, 'Length required\n'],
    [{ 'content-length': String(MAX_BACKEND_BODY_BYTES + 1) }, 413, 'Request entity too large\n'],
    [{ 'content-type': 'text/plain' }, 400, 'Unsupported Content-Type\n'],
    [{ 'spreed-signaling-checksum': undefined }, 403, 'Authentication check failed\n'],
  ];
  test.each(failures.map((failure, index) => [index, ...failure] as const))(
    'failure %i is answered as the usual server answers it, and before all later ones',
    (index, _headers, status, body) => {
      const all = failures.slice(index).reduceRight<RawHeaders>((headers, [worse]) => ({ ...headers, ...worse }), GOOD);
      expect(checkHeaders(all)).toMatchObject({ ok: false, error: { status, body } });
    },
  );

  test('no random, no content type', () => {
    expect(checkHeaders({ ...GOOD, 'spreed-signaling-random': '' })).toEqual({
      ok: false,
      error: refuse('not_authentic'),
    });
    expect(checkHeaders({ ...GOOD, 'content-type': undefined })).toEqual({
      ok: false,
      error: refuse('wrong_content_type'),
    });
  });
});

describe('who signed it', () => {
  const body = Buffer.from('{"type":"auth","auth":{"version":"1.0","params":{"hello":"world"}}}');
  const random = 'afb6b872ab03e3376b31bf0af601067222ff7990335ca02d327071b73c0119c6';
  const checksum = '3c4a69ff328299803ac2879614b707c807b4758cf19450755c60656cac46e3bc';
  const signature = { random, checksum, backendUrl: undefined };
  const candidates = [{ secret: 'another' }, { secret: 'MySecretValue' }];

  test("the specification's example, over the bytes as they came", () => {
    expect(signerOf(signature, body, candidates)).toBe(candidates[1]);
    expect(signerOf(signature, Buffer.from(`${body.toString()} `), candidates)).toBeUndefined();
    expect(signerOf({ ...signature, checksum: checksum.toUpperCase() }, body, candidates)).toBeUndefined();
    expect(signerOf(signature, body, candidates.slice(0, 1))).toBeUndefined();
  });

  test('no other secret, random or body gives the checksum', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.uint8Array(), (secret, someRandom, someBody) => {
        const given = { random: someRandom, checksum: backendChecksum('right', someRandom, someBody) };
        const found = signerOf({ ...given, backendUrl: undefined }, someBody, [{ secret }, { secret: 'right' }]);
        expect(found?.secret).toBe('right');
      }),
    );
  });
});

describe('what it says', () => {
  test.each([
    [
      { type: 'invite', invite: { userids: ['ada'], alluserids: ['ada', 'bob'], properties: { name: 'x' } } },
      { type: 'invite', userIds: ['ada'], allUserIds: ['ada', 'bob'], properties: { name: 'x' } },
    ],
    [
      { type: 'disinvite', disinvite: { userids: null, sessionids: ['s/1'], properties: [] } },
      { type: 'disinvite', userIds: [], foreignSessionIds: ['s/1'], allUserIds: [], properties: {} },
    ],
    [
      { type: 'update', update: { userids: ['ada'] } },
      { type: 'update', userIds: ['ada'], properties: {} },
    ],
    [
      { type: 'delete', delete: {} },
      { type: 'delete', userIds: [] },
    ],
    [
      { type: 'participants', participants: { changed: [{ sessionId: 'a' }], users: null } },
      { type: 'participants', changed: [{ sessionId: 'a' }], users: [] },
    ],
    [
      { type: 'incall', incall: { incall: 7, changed: [], users: [{ inCall: true }] } },
      { type: 'incall', changed: [], users: [{ inCall: true }] },
    ],
    [
      { type: 'incall', incall: { incall: 7, all: true } },
      { type: 'incall-all', flags: 7 },
    ],
    [
      { type: 'incall', incall: { incall: false, all: true } },
      { type: 'incall-all', flags: 0 },
    ],
    [
      { type: 'incall', incall: { incall: '1', all: true } },
      { type: 'incall-all', flags: undefined },
    ],
    [
      { type: 'message', message: { data: ['any', null] } },
      { type: 'message', data: ['any', null] },
    ],
    [
      { type: 'message', message: {} },
      { type: 'message', data: undefined },
    ],
    [
      { type: 'switchto', switchto: { roomid: 'there', sessions: ['a', 'b'] } },
      { type: 'switchto', roomId: 'there', moves: [{ foreignSessionId: 'a' }, { foreignSessionId: 'b' }] },
    ],
    [
      { type: 'switchto', switchto: { roomid: 'there', sessions: { a: { k: 1 }, b: null } } },
      {
        type: 'switchto',
        roomId: 'there',
        moves: [
          { foreignSessionId: 'a', details: { k: 1 } },
          { foreignSessionId: 'b', details: undefined },
        ],
      },
    ],
    [
      { type: 'switchto', switchto: { roomid: 'there' } },
      { type: 'switchto', roomId: 'there', moves: [] },
    ],
    [
      { type: 'switchto', switchto: { roomid: 'there', sessions: ['a', 5] } },
      { type: 'switchto', roomId: 'there', moves: undefined },
    ],
    [
      { type: 'dialout', dialout: { number: '+12', options: { a: 1 } } },
      { type: 'dialout', number: '+12', options: { a: 1 } },
    ],
  ])('%j', (given, expected) => {
    expect(decode(given)).toEqual({ ok: true, value: expected });
  });

  test.each([
    ['an array', []],
    ['a number as type', { type: 5 }],
    ['a type without its object', { type: 'invite' }],
    ['null as its object', { type: 'message', message: null }],
    ['a list as its object', { type: 'update', update: [] }],
    ['user ids that are no text', { type: 'invite', invite: { userids: [1] } }],
    ['entries that are no objects', { type: 'incall', incall: { users: ['a'] } }],
    ['all that is no boolean', { type: 'incall', incall: { all: 1 } }],
  ])('%s cannot be read', (_name, given) => {
    expect(decode(given)).toEqual({ ok: false, error: refuse('unreadable') });
  });

  test('no JSON, and JSON too deep to be handed on', () => {
    for (const text of ['', 'no json', `{"type":"message","message":{"data":${'['.repeat(70)}${']'.repeat(70)}}}`]) {
      expect(decodeBackendRequest(Buffer.from(text))).toEqual({ ok: false, error: refuse('unreadable') });
    }
  });

  test.each(['transient', 'toString', '__proto__', ''])('the type %p is not supported', (type) => {
    expect(decode({ type, [type]: {} })).toMatchObject({
      ok: false,
      error: { status: 400, body: `Unsupported request type: ${type}\n` },
    });
  });

  test('never throws, whatever it gets', () => {
    const types = fc.constantFrom('invite', 'disinvite', 'update', 'delete', 'participants', 'incall', 'message');
    const tried = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => Buffer.from(text)),
      fc.tuple(types, fc.jsonValue()).map(([type, body]) => Buffer.from(JSON.stringify({ type, [type]: body }))),
      fc
        .tuple(fc.constantFrom('switchto', 'dialout'), fc.jsonValue(), fc.jsonValue())
        .map(([type, sessions, number]) => Buffer.from(JSON.stringify({ type, [type]: { sessions, number } }))),
    );
    fc.assert(
      fc.property(tried, (bytes) => {
        const decoded = decodeBackendRequest(bytes);
        if (!decoded.ok) expect(decoded.error.status).toBe(400);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('dial-out', () => {
  test.each([
    ['+12', '123', undefined],
    ['+4930123456', '1', undefined],
    ['', '123', 'number_missing'],
    ['12', '123', 'invalid_number'],
    ['+1', '123', 'invalid_number'],
    ['+1 2', '123', 'invalid_number'],
    ['+1-2', '123', 'invalid_number'],
    ['+12\n', '123', 'invalid_number'],
    ['+12', 'abc', 'invalid_roomid'],
    ['+12', '1a', 'invalid_roomid'],
    ['', 'abc', 'number_missing'],
  ])('number %p from room %p: %p', (number, room, code) => {
    const checked = checkDialout(number, room);
    expect(checked.ok ? undefined : checked.error.status).toBe(code === undefined ? undefined : 400);
    const body = checked.ok ? {} : (JSON.parse(checked.error.body) as { dialout: { error: { code: string } } });
    expect(body).toMatchObject(code === undefined ? {} : { type: 'dialout', dialout: { error: { code } } });
  });
});
