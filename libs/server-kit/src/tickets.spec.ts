import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { brandAs, type RegionId, type TicketClaims } from '@parley/domain';
import { createTicketIssuer, createTicketVerifier, ticketPublicKey } from './index';

const now = new Date('2026-03-01T12:00:00Z');
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);

const claims: TicketClaims = {
  id: 'tk_1',
  region: brandAs('eu-1'),
  room: brandAs('rs_eu-1_abc'),
  domain: brandAs('chat.example.org'),
  roomName: brandAs('my-room'),
  role: 'host',
  passwordVersion: 'exempt',
  userId: '',
  displayName: 'Ada',
};

function keys() {
  const pair = generateKeyPairSync('ed25519');
  const privateKey = pair.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
  return { secret: pair.privateKey, privateKey, publicKey: ticketPublicKey(privateKey) };
}

/** A JWT made by hand, as an attacker or another service would. */
function forge(header: object, payload: object, key?: KeyObject): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part(header)}.${part(payload)}`;
  return `${text}.${key ? sign(null, Buffer.from(text), key).toString('base64url') : ''}`;
}

function decode(token: string, index: number): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString()) as Record<string, unknown>;
}

describe('tickets', () => {
  const ours = keys();
  const issuer = createTicketIssuer({ privateKey: ours.privateKey, issuer: 'https://eu.example.org' });
  const verifier = createTicketVerifier({ publicKeys: [keys().publicKey, ours.publicKey] });

  it('come back as they were issued', async () => {
    const token = await issuer.issue(claims, now);
    expect(await verifier.verify(token, now)).toEqual({ ok: true, value: claims });
    expect(decode(token, 0)).toMatchObject({ alg: 'EdDSA', typ: 'parley-ticket+jwt' });
    expect(decode(token, 1)).toMatchObject({ iss: 'https://eu.example.org', jti: 'tk_1' });
  });

  it('are good for 60 seconds and not before their time', async () => {
    const token = await issuer.issue(claims, now);
    expect((await verifier.verify(token, later(59))).ok).toBe(true);
    expect(await verifier.verify(token, later(60))).toEqual({ ok: false, error: 'expired' });
    expect((await verifier.verify(token, later(-5))).ok).toBe(true);
    expect(await verifier.verify(token, later(-6))).toEqual({ ok: false, error: 'not_yet' });
  });

  it('of other regions are read whatever their times, if they are genuine', async () => {
    const there = createTicketVerifier({ publicKeys: [ours.publicKey], region: brandAs<RegionId>('us-1') });
    const here = createTicketVerifier({ publicKeys: [ours.publicKey], region: claims.region });
    const token = await issuer.issue(claims, now);
    for (const seconds of [-600, 600]) {
      expect(await there.verify(token, later(seconds))).toEqual({ ok: true, value: claims });
      expect((await here.verify(token, later(seconds))).ok).toBe(false);
    }
    const stranger = createTicketIssuer({ privateKey: keys().privateKey, issuer: 'https://eu.example.org' });
    const forged = await stranger.issue(claims, now);
    expect(await there.verify(forged, now)).toEqual({ ok: false, error: 'invalid' });
  });

  it('are refused when a single character changed', async () => {
    const token = await issuer.issue(claims, now);
    for (const index of [5, token.indexOf('.') + 20, token.length - 10]) {
      const other = token[index] === 'A' ? 'B' : 'A';
      const changed = token.slice(0, index) + other + token.slice(index + 1);
      expect(await verifier.verify(changed, now)).toEqual({ ok: false, error: 'invalid' });
    }
  });

  it('are refused without a signature, with another type, algorithm or key', async () => {
    const token = await issuer.issue(claims, now);
    const [header, payload] = [decode(token, 0), decode(token, 1)];
    const stranger = keys();
    const forged = [
      forge({ ...header, alg: 'none' }, payload),
      forge({ ...header, alg: 'HS256' }, payload, ours.secret),
      forge({ ...header, typ: 'JWT' }, payload, ours.secret),
      forge(header, payload, stranger.secret),
      forge({ ...header, kid: 'other' }, payload, ours.secret),
      '',
      'a.b.c',
      'x'.repeat(10_000),
    ];
    for (const bad of forged) expect(await verifier.verify(bad, now)).toEqual({ ok: false, error: 'invalid' });
    expect((await verifier.verify(forge(header, payload, ours.secret), now)).ok).toBe(true);
  });

  it('are refused when genuine but misshapen or too long-lived', async () => {
    const token = await issuer.issue(claims, now);
    const [header, payload] = [decode(token, 0), decode(token, 1)];
    for (const change of [{ role: 'admin' }, { room: undefined }, { exp: Number(payload.iat) + 3600 }]) {
      const bad = forge(header, { ...payload, ...change }, ours.secret);
      expect(await verifier.verify(bad, now)).toEqual({ ok: false, error: 'invalid' });
    }
  });

  it('need an Ed25519 key', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const privateKey = rsa.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
    expect(() => createTicketIssuer({ privateKey, issuer: 'x' })).toThrow('Ed25519');
  });
});
