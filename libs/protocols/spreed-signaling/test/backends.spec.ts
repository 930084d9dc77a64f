import { generateKeyPairSync } from 'node:crypto';
import {
  backendAddress,
  backendRequestUrl,
  cacheRulesOf,
  normalizeBackendUrl,
  readCapabilities,
  readRoomAnswer,
  readTokenKey,
} from '../src';

const V1 = 'ocs/v2.php/apps/spreed/api/v1/signaling/backend';
const V3 = 'ocs/v2.php/apps/spreed/api/v3/signaling/backend';

describe('URLs of backends', () => {
  test.each([
    ['https://cloud.test', 'https://cloud.test/'],
    ['https://Cloud.test:443/nc', 'https://cloud.test/nc/'],
    [`https://cloud.test/nc/${V3}`, 'https://cloud.test/nc/'],
    [`https://cloud.test/nc${V3}`, `https://cloud.test/nc${V3}/`],
    [`https://cloud.test/index.php/${V1}?x#y`, 'https://cloud.test/index.php/'],
    ['http://cloud.test:80/', 'http://cloud.test/'],
    ['ftp://cloud.test/', undefined],
    ['/relative', undefined],
    ['https://user:pw@cloud.test/', undefined],
  ])('%s is %s', (given, base) => expect(normalizeBackendUrl(given)).toBe(base));

  const ASKED = ['https://cloud.test/', 'https://two.test/nc/'];
  const askedAt = (given: string, features: string[] = []) => {
    const address = backendAddress(given, ASKED);
    return address && backendRequestUrl(address, features);
  };

  test.each([
    ['https://cloud.test', [], `https://cloud.test/${V1}`],
    ['https://cloud.test/', ['signaling-v3'], `https://cloud.test/${V3}`],
    ['https://Two.test:443/nc', [], `https://two.test/nc/${V1}`],
    [`https://two.test/nc/${V1}`, ['signaling-v3'], `https://two.test/nc/${V3}`],
    [`https://two.test/nc/${V1}`, [], `https://two.test/nc/${V1}`],
    [`https://two.test/nc/${V3}`, [], `https://two.test/nc/${V3}`],
    [
      `https://two.test/nc/${V3.replace('v3', 'v2')}`,
      ['signaling-v3'],
      `https://two.test/nc/${V3.replace('v3', 'v2')}`,
    ],
    [`https://two.test/nc/index.php/${V1}`, [], `https://two.test/nc/index.php/${V1}`],
    // A folder below what is configured; queries and fragments are no part of what is asked.
    [`https://cloud.test/team-1/next.cloud/${V3}?x=${V1}#y`, [], `https://cloud.test/team-1/next.cloud/${V3}`],
    [`https://cloud.test/nc/index.php/${V3}`, [], `https://cloud.test/nc/index.php/${V3}`],
  ])('%s with %j is asked at %s', (given, features, url) => expect(askedAt(given, features)).toBe(url));

  test.each([
    'https://cloud.test/s/evil',
    'https://cloud.test/index.php',
    'https://cloud.test/index.php/s/evil/download',
    'https://cloud.test//',
    `https://cloud.test//${V1}`,
    `https://two.test/${V1}`,
    `https://two.test/nc-evil/${V1}`,
    `https://two.test/nc${V1}`,
    `https://cloud.test/${V1}/`,
    `https://cloud.test/${V1}/x`,
    'https://cloud.test/ocs/v2.php/apps/spreed/api/v4/room',
    `https://cloud.test/${V3.replace('v3', 'v4')}`,
    `https://cloud.test/${V3.replace('v3', 'v11')}`,
    // The first Talk path must not hide that another one is asked.
    `https://cloud.test/ocs/v2.php/apps/spreed/evil/${V1}`,
    `https://cloud.test/evil${V1}`,
    // Scripts that serve what people uploaded.
    `https://cloud.test/public.php/dav/files/share/${V1}`,
    `https://cloud.test/remote.php/${V1}`,
    `https://cloud.test/index.php/s/share/${V1}`,
    `https://cloud.test/INDEX.PHP/${V1}`,
    `https://cloud.test/~evil/${V1}`,
    `https://cloud.test/a;b/${V1}`,
    `https://cloud.test/a%2e/${V1}`,
    `https://cloud.test/.hidden/${V1}`,
    `https://two.test/nc/../${V1}`,
    `https://two.test/nc/%2e%2e/${V1}`,
    `https://two.test/nc/..\\evil/${V1}`,
    `http://cloud.test/${V1}`,
    `https://cloud.test:444/${V1}`,
    `https://cloud.test@evil.test/${V1}`,
    `https://cloud.test.evil.test/${V1}`,
  ])('%s is not asked', (given) => expect(askedAt(given)).toBeUndefined());
});

describe('capabilities', () => {
  const body = (spreed: unknown) => JSON.stringify({ ocs: { data: { capabilities: { spreed } } } });

  test('are read; what is of another form is left out', () => {
    const full = readCapabilities(body({ features: ['a'], config: { signaling: { 'session-ping-limit': 200 } } }));
    expect(full).toEqual({ features: ['a'], helloKey: undefined, pingLimit: 200 });
    const none = { features: [], helloKey: undefined, pingLimit: undefined };
    expect(readCapabilities(body({ config: { signaling: [] } }))).toEqual(none);
    expect(readCapabilities(body({ config: { signaling: { 'session-ping-limit': 0 } } }))).toEqual(none);
    expect(readCapabilities(JSON.stringify({ ocs: { data: { capabilities: {} } } }))).toEqual(none);
    for (const broken of ['', '{', '[]', '{"ocs":{}}']) expect(readCapabilities(broken)).toBeUndefined();
  });

  test('keys are PEM or the bytes of an Ed25519 key', () => {
    const { publicKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ format: 'jwk' }).x ?? '';
    expect(readTokenKey(Buffer.from(raw, 'base64url').toString('base64'))?.equals(publicKey)).toBe(true);
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey;
    expect(readTokenKey(rsa.export({ format: 'pem', type: 'spki' }).toString())?.equals(rsa)).toBe(true);
    for (const broken of ['', 'AAAA', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----']) {
      expect(readTokenKey(broken)).toBeUndefined();
    }
  });

  test('how long they may be kept', () => {
    expect(cacheRulesOf({})).toEqual({ maxAgeMs: 0, etag: undefined, mustRevalidate: false });
    expect(cacheRulesOf({ 'cache-control': 'private, Max-Age=90, must-revalidate', etag: 'W/"x"' })).toEqual({
      maxAgeMs: 90_000,
      etag: 'W/"x"',
      mustRevalidate: true,
    });
    expect(cacheRulesOf({ 'cache-control': 'no-store, max-age=90' }).maxAgeMs).toBe(0);
  });
});

test('a room may say who a guest is', () => {
  const answer = (session: unknown) => readRoomAnswer(JSON.stringify({ type: 'room', room: { roomid: 'r', session } }));
  expect(answer({ userid: 'guest-1' })).toMatchObject({ value: { sessionUserId: 'guest-1' } });
  for (const nobody of [undefined, null, [], {}, { userid: '' }, { userid: 7 }]) {
    expect(answer(nobody)).toMatchObject({ ok: true, value: { sessionUserId: undefined } });
  }
});

describe('answers of a backend', () => {
  const ocs = (statuscode: number, data: object) => JSON.stringify({ ocs: { meta: { statuscode }, data } });
  const codeOf = (answer: ReturnType<typeof readRoomAnswer>) => (answer.ok ? undefined : answer.error.code);

  test('an error is handed on as it is, a throttled request as such, what cannot be read as ours', () => {
    expect(
      codeOf(readRoomAnswer(ocs(200, { type: 'error', error: { code: 'duplicate_session', message: 'm' } }))),
    ).toBe('duplicate_session');
    expect(codeOf(readRoomAnswer(ocs(429, {})))).toBe('too_many_requests');
    for (const broken of ['', 'no json', '[]', '{}']) expect(codeOf(readRoomAnswer(broken))).toBe('internal_error');
    expect(codeOf(readRoomAnswer(ocs(200, { type: 'auth', auth: {} })))).toBe('room_join_failed');
  });
});
