import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { InternalAuth } from './index';

const now = new Date('2026-03-01T12:00:00Z');
const call = { method: 'POST', path: '/api/room?x=1', from: 'region-router@eu-1', hops: 1 };
const [old, fresh] = ['a'.repeat(32), 'b'.repeat(32)];

describe('InternalAuth', () => {
  const auth = new InternalAuth(old);

  it('accepts what it signed and tells caller and hops', () => {
    const value = { from: call.from, hops: 1, says: {} };
    expect(auth.verify(auth.sign(call, now), call, now)).toEqual({ ok: true, value });
  });

  it('tells what the caller said, which nobody can change', () => {
    const says = { for: '192.0.2.1', domain: 'ä.example' };
    const header = auth.sign({ ...call, says }, now);
    expect(auth.verify(header, call, now)).toMatchObject({ ok: true, value: { says } });
    const parts = header.split(' ');
    parts[4] = Buffer.from(JSON.stringify({ ...says, for: '192.0.2.2' })).toString('base64url');
    expect(auth.verify(parts.join(' '), call, now)).toEqual({ ok: false, error: 'invalid' });
  });

  it('refuses it on another path or method, changed, late, or with another secret', () => {
    const header = auth.sign(call, now);
    const late = new Date(now.getTime() + 16 * 60_000);
    expect(auth.verify(header, { ...call, path: '/api/room' }, now)).toEqual({ ok: false, error: 'invalid' });
    expect(auth.verify(header, { ...call, method: 'GET' }, now)).toEqual({ ok: false, error: 'invalid' });
    expect(auth.verify(header.replace(' 1 ', ' 0 '), call, now)).toEqual({ ok: false, error: 'invalid' });
    expect(auth.verify(header, call, late)).toEqual({ ok: false, error: 'expired' });
    expect(new InternalAuth(fresh).verify(header, call, now)).toEqual({ ok: false, error: 'invalid' });
    expect(auth.verify(undefined, call, now)).toEqual({ ok: false, error: 'missing' });
  });

  it('is accepted between clocks that are ten minutes apart', () => {
    for (const apartMs of [-600_000, 600_000]) {
      expect(auth.verify(auth.sign(call, now), call, new Date(now.getTime() + apartMs)).ok).toBe(true);
    }
  });

  it('is not opened by the secret itself, which signs what internal clients choose', () => {
    const header = auth.sign(call, now);
    const text = JSON.stringify(['v1', call.method, call.path, call.from, call.hops, now.getTime(), '-']);
    const chosen = createHmac('sha256', old).update(text).digest('hex');
    expect(header).not.toContain(chosen);
    const forged = `${header.slice(0, -64)}${chosen}`;
    expect(auth.verify(forged, call, now)).toEqual({ ok: false, error: 'invalid' });
  });

  it('lets a secret be rotated without a gap', () => {
    const both = new InternalAuth(`${fresh},${old}`);
    expect(both.verify(auth.sign(call, now), call, now).ok).toBe(true);
    expect(new InternalAuth(fresh).verify(both.sign(call, now), call, now).ok).toBe(true);
  });

  it('never throws and never accepts noise', () => {
    fc.assert(fc.property(fc.string(), (text) => !auth.verify(text, call, now).ok));
    expect(auth.verify(`v1 1 1 %E0%A4%A - ${'0'.repeat(64)}`, call, now)).toEqual({ ok: false, error: 'invalid' });
  });
});
