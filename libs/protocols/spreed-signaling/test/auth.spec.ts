import { createHmac, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { backendChecksum, checksumMatches, internalTokenMatches, TICKET_AUDIENCE, verifyTicket } from '../src';

const now = new Date('2026-03-01T12:00:00Z');
const seconds = now.getTime() / 1000;
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');

const claims = {
  jti: 'tkt_1',
  region: 'eu-1',
  room: 'rs_eu-1_x',
  domain: 'demo.test',
  roomName: 'lobby',
  role: 'by-arrival',
  passwordVersion: 0,
  displayName: 'Ada',
  iat: seconds,
  exp: seconds + 60,
};

function sign(payload: Record<string, unknown>, audience = TICKET_AUDIENCE, key = privateKey): Promise<string> {
  return new SignJWT({ ...payload, aud: audience }).setProtectedHeader({ alg: 'EdDSA' }).sign(key);
}

async function codeOf(token: string, at = now): Promise<string> {
  const check = await verifyTicket(token, [publicKey], at);
  return check.ok ? 'ok' : check.error.code;
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

describe('join tickets', () => {
  test('a good one gives its claims', async () => {
    const check = await verifyTicket(await sign(claims), [other.publicKey, publicKey], now);
    expect(check).toEqual({
      ok: true,
      claims: {
        id: 'tkt_1',
        region: 'eu-1',
        room: 'rs_eu-1_x',
        domain: 'demo.test',
        roomName: 'lobby',
        role: 'by-arrival',
        passwordVersion: 0,
        userId: '',
        displayName: 'Ada',
      },
    });
  });

  test('each flaw has its code', async () => {
    expect(await codeOf('garbage')).toBe('invalid_token');
    expect(await codeOf(await sign(claims, TICKET_AUDIENCE, other.privateKey))).toBe('invalid_token');
    expect(await codeOf(await sign(claims, 'something else'))).toBe('invalid_token');
    expect(await codeOf(await sign({ ...claims, room: undefined }))).toBe('invalid_token');
    expect(await codeOf(await sign({ ...claims, jti: undefined }))).toBe('invalid_token');
    expect(await codeOf(await sign({ ...claims, exp: seconds - 120 }))).toBe('token_expired');
    expect(await codeOf(await sign({ ...claims, exp: undefined }))).toBe('token_expired');
    expect(await codeOf(await sign({ ...claims, iat: undefined }))).toBe('token_not_valid_yet');
    expect(await codeOf(await sign({ ...claims, iat: seconds + 120 }))).toBe('token_not_valid_yet');
    expect(await codeOf(await sign({ ...claims, nbf: seconds + 120 }))).toBe('token_not_valid_yet');
  });

  test('a token signed with a shared secret is none, whatever its header says', async () => {
    const der = publicKey.export({ type: 'spki', format: 'der' });
    const forged = await new SignJWT({ ...claims, aud: TICKET_AUDIENCE })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(der);
    expect(await codeOf(forged)).toBe('invalid_token');
  });
});
