import { createHash, createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { type RawRequest, readCredentials, verifyCredentials } from '../src';

const SECRET = 'the account secret';
const RANDOM = 'r'.repeat(32);
const NOW = new Date('2026-01-01T00:00:00Z');
const SECONDS = String(NOW.getTime() / 1000);
const BODY = Buffer.from('{"method":"list"}');

// Written from the text of PROTOCOL.md, not with the code under test.
const key = (secret: string, random: string) => createHmac('sha256', secret).update(random).digest('hex');
function signature(secret: string, path = '/api/room', timestamp = SECONDS, body: Uint8Array = BODY): string {
  const text = `POST\n${path}\n${timestamp}\n${RANDOM}\n${createHash('sha256').update(body).digest('hex')}`;
  return createHmac('sha256', secret).update(text).digest('hex');
}

function request(headers: Record<string, string | undefined>, path = '/api/room'): RawRequest {
  const all = { 'x-api-version': '2', 'x-auth-id': 'acme', 'x-random': RANDOM, ...headers };
  return { method: 'POST', path, headers: all, body: BODY };
}

/** `version`, `refused`, or how long the nonce is remembered. */
function check(raw: RawRequest, account: { secret: string; legacyKeys: boolean } | null): string | number {
  const credentials = readCredentials(raw.headers);
  if (!credentials.ok) return credentials.error.code === 'bad_version' ? 'version' : 'refused';
  const verified = verifyCredentials(credentials.value, account, raw, NOW);
  return verified.ok ? verified.value.nonceTtlMs : 'refused';
}

const legacyAccount = { secret: SECRET, legacyKeys: true };
const newAccount = { secret: SECRET, legacyKeys: false };
const DAY = 86_400_000;
const QUARTER = 900_000;

describe('version header', () => {
  it.each([undefined, '', '0', '3', '1.0', '1, 2', 'two'])('%p is refused', (version) => {
    expect(check(request({ 'x-api-version': version, 'x-auth-key': key(SECRET, RANDOM) }), legacyAccount)).toBe(
      'version',
    );
  });

  it.each(['1', '2', ' 2 '])('%p is understood', (version) => {
    expect(check(request({ 'x-api-version': version, 'x-auth-key': key(SECRET, RANDOM) }), legacyAccount)).toBe(DAY);
  });
});

describe('the original key', () => {
  const keyed = (random: string, secret = SECRET) => request({ 'x-random': random, 'x-auth-key': key(secret, random) });

  it.each([
    ['node and Python: 64 hex digits', '9f'.repeat(32)],
    ['Java and C#: 32 letters and digits', 'abcDEF0123456789abcDEF0123456789'],
    ['PHP: 32 characters with signs', '.,!#%=?+-aB3.,!#%=?+-aB3.,!#%=?+'],
  ])('%s', (_wrapper, random) => expect(check(keyed(random), legacyAccount)).toBe(DAY));

  it.each(['', 'r'.repeat(31), 'r'.repeat(257), `${'r'.repeat(32)}\u0007`, 'ü'.repeat(32)])(
    'x-random %p is refused',
    (random) => {
      expect(check(keyed(random), legacyAccount)).toBe('refused');
    },
  );

  it('is refused when wrong, in upper case, missing, or when nobody has that id', () => {
    expect(check(keyed(RANDOM, 'other'), legacyAccount)).toBe('refused');
    expect(check(request({ 'x-auth-key': key(SECRET, RANDOM).toUpperCase() }), legacyAccount)).toBe('refused');
    expect(check(request({}), legacyAccount)).toBe('refused');
    expect(check(keyed(RANDOM), null)).toBe('refused');
    expect(check(keyed(RANDOM, 'nobody has this secret'), null)).toBe('refused');
  });

  it('alone does not open an account that must sign', () => expect(check(keyed(RANDOM), newAccount)).toBe('refused'));
});

describe('the signature', () => {
  const signed = (headers: Record<string, string> = {}, path?: string) =>
    request({ 'x-timestamp': SECONDS, 'x-signature': signature(SECRET), ...headers }, path);

  it('opens, with or without the original key', () => {
    expect(check(signed(), newAccount)).toBe(QUARTER);
    expect(check(signed({ 'x-auth-key': key(SECRET, RANDOM) }), newAccount)).toBe(QUARTER);
  });

  it('of an account with legacy keys is remembered as long as these: its key could be replayed alone', () => {
    expect(check(signed(), legacyAccount)).toBe(DAY);
  });

  it('is checked whenever it is sent', () => {
    const wrong = signed({ 'x-signature': signature('other'), 'x-auth-key': key(SECRET, RANDOM) });
    expect(check(wrong, legacyAccount)).toBe('refused');
    expect(check(signed({ 'x-auth-key': key('other', RANDOM) }), newAccount)).toBe('refused');
  });

  it('covers path, body and timestamp', () => {
    expect(check(signed({}, '/api/webhook'), newAccount)).toBe('refused');
    expect(check({ ...signed(), body: Buffer.from('{"method":"init"}') }, newAccount)).toBe('refused');
    expect(check(signed({ 'x-timestamp': String(Number(SECONDS) + 1) }), newAccount)).toBe('refused');
    expect(check(request({ 'x-signature': signature(SECRET) }), newAccount)).toBe('refused');
  });

  it.each([
    [-301, 'refused'],
    [-300, QUARTER],
    [300, QUARTER],
    [301, 'refused'],
  ])('%d seconds off: %p', (offset, outcome) => {
    const timestamp = String(Number(SECONDS) + offset);
    const headers = { 'x-timestamp': timestamp, 'x-signature': signature(SECRET, '/api/room', timestamp) };
    expect(check(request(headers), newAccount)).toBe(outcome);
  });

  it('of another time is told the time here, if it is right otherwise', () => {
    const refusalOf = (secret: string) => {
      const raw = request({ 'x-timestamp': '1000', 'x-signature': signature(secret, '/api/room', '1000') });
      const credentials = readCredentials(raw.headers);
      const verified = credentials.ok ? verifyCredentials(credentials.value, newAccount, raw, NOW) : credentials;
      return verified.ok ? 'accepted' : verified.error.message;
    };
    expect(refusalOf(SECRET)).toMatch(new RegExp(`at most 300 s off; the clock here says ${SECONDS}\\.$`));
    expect(refusalOf('other')).toBe('The auth id, key or signature is wrong.');
  });
});

it('never throws and never opens, whatever the headers are', () => {
  const name = fc.constantFrom('x-api-version', 'x-auth-id', 'x-random', 'x-auth-key', 'x-signature', 'x-timestamp');
  const headers = fc.dictionary(
    name,
    fc.oneof(fc.string(), fc.constantFrom('1', '2'), fc.stringMatching(/^[0-9a-f]{64}$/)),
  );
  fc.assert(
    fc.property(headers, (sent) => {
      const raw = { method: 'POST', path: '/api/room', headers: sent, body: BODY };
      expect(['version', 'refused']).toContain(check(raw, legacyAccount));
    }),
  );
});
