import { createHmac, generateKeyPairSync } from 'node:crypto';
import { SignJWT, type JWTPayload } from 'jose';
import { backendChecksum, checksumMatches, internalTokenMatches, readHelloToken } from '../src';

const now = new Date('2026-03-01T12:00:00Z');
const seconds = now.getTime() / 1000;
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');

const claims = { sub: 'ada', userdata: { displayname: 'Ada' }, iat: seconds, exp: seconds + 300 };

function sign(payload: JWTPayload, key = privateKey): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA' }).sign(key);
}

async function codeOf(token: string): Promise<string> {
  const read = await readHelloToken(token, publicKey, now);
  return read.ok ? 'ok' : read.error.code;
}

describe('checksum of backend requests', () => {
  test("the specification's example", () => {
    const body = '{"type":"auth","auth":{"version":"1.0","params":{"hello":"world"}}}';
    const random = 'afb6b872ab03e3376b31bf0af601067222ff7990335ca02d327071b73c0119c6';
    const checksum = '3c4a69ff328299803ac2879614b707c807b4758cf19450755c60656cac46e3bc';
    expect(backendChecksum('MySecretValue', random, body)).toBe(checksum);
    expect(checksumMatches('MySecretValue', random, Buffer.from(body), checksum)).toBe(true);
    expect(checksumMatches('MySecretValue', random, `${body} `, checksum)).toBe(false);
    expect(checksumMatches('OtherSecret', random, body, checksum)).toBe(false);
    expect(checksumMatches('MySecretValue', random, body, '')).toBe(false);
  });
});

describe('internal clients', () => {
  test('must know the secret and bring enough randomness', () => {
    const random = 'r'.repeat(32);
    const token = createHmac('sha256', 'internal').update(random).digest('hex');
    expect(internalTokenMatches('internal', random, token)).toBe(true);
    expect(internalTokenMatches('other', random, token)).toBe(false);
    const short = 'r'.repeat(31);
    expect(internalTokenMatches('internal', short, createHmac('sha256', 'internal').update(short).digest('hex'))).toBe(
      false,
    );
  });
});

describe('tokens of hello 2.0', () => {
  test('a good one says who comes', async () => {
    const read = await readHelloToken(await sign(claims), publicKey, now);
    expect(read).toEqual({ ok: true, value: { userId: 'ada', user: { displayname: 'Ada' } } });
    const guest = await readHelloToken(await sign({ iat: seconds, exp: seconds }), publicKey, now);
    expect(guest).toEqual({ ok: true, value: { userId: '', user: undefined } });
  });

  test('clocks may differ by a minute', async () => {
    expect(await codeOf(await sign({ ...claims, iat: seconds + 30, exp: seconds + 40 }))).toBe('ok');
    expect(await codeOf(await sign({ ...claims, iat: seconds - 90, exp: seconds - 30 }))).toBe('ok');
  });

  test('each flaw has its code', async () => {
    expect(await codeOf('garbage')).toBe('invalid_token');
    expect(await codeOf(await sign(claims, other.privateKey))).toBe('invalid_token');
    expect(await codeOf(await sign({ ...claims, userdata: 'text' }))).toBe('invalid_token');
    expect(await codeOf(await sign({ ...claims, exp: seconds - 120 }))).toBe('token_expired');
    expect(await codeOf(await sign({ ...claims, exp: seconds - 1 }))).toBe('token_expired');
    expect(await codeOf(await sign({ ...claims, exp: undefined }))).toBe('token_expired');
    expect(await codeOf(await sign({ ...claims, iat: undefined }))).toBe('token_not_valid_yet');
    expect(await codeOf(await sign({ ...claims, iat: seconds + 120, exp: seconds + 180 }))).toBe('token_not_valid_yet');
    expect(await codeOf(await sign({ ...claims, nbf: seconds + 120 }))).toBe('token_not_valid_yet');
  });

  test('a token signed with the public key as a shared secret is none', async () => {
    const der = publicKey.export({ type: 'spki', format: 'der' });
    const forged = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(der);
    expect(await codeOf(forged)).toBe('invalid_token');
  });
});
