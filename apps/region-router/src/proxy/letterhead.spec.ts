import { InternalAuth } from '@parley/server-kit';
import { Letterhead } from './letterhead';

const auth = new InternalAuth('a-secret-of-the-letterhead-0123456789');
const call = {
  method: 'POST',
  path: '/api/room',
  from: 'region-router@eu-1',
  hops: 1,
  says: { for: '192.0.2.1', domain: 'a.example' },
};
const at = (text: string) => new Date(`2026-11-21T12:00:${text}Z`);

describe('a letterhead', () => {
  let letterhead: Letterhead;
  let signed: jest.SpyInstance;
  beforeEach(() => {
    letterhead = new Letterhead(auth);
    signed = jest.spyOn(auth, 'sign');
  });
  afterEach(() => jest.restoreAllMocks());

  it('signs calls of one second that say the same once', () => {
    const first = letterhead.sign(call, at('07.001'));
    expect(letterhead.sign({ ...call, says: { ...call.says } }, at('07.999'))).toBe(first);
    expect(signed).toHaveBeenCalledTimes(1);
    expect(auth.verify(first, call, at('08.000'))).toMatchObject({
      ok: true,
      value: { from: call.from, hops: 1, says: call.says },
    });
  });

  it('signs anew in the next second', () => {
    expect(letterhead.sign(call, at('08.000'))).not.toBe(letterhead.sign(call, at('07.999')));
  });

  it.each([
    ['method', { method: 'PUT' }],
    ['path', { path: '/api/rooms' }],
    ['hops', { hops: 0 }],
    ['caller', { says: { ...call.says, for: '192.0.2.2' } }],
    ['domain', { says: { ...call.says, domain: 'b.example' } }],
    ['what is said at all', { says: { for: '192.0.2.1' } }],
  ])('signs each %s for itself', (_what, change) => {
    const other = { ...call, ...change };
    const [one, two] = [letterhead.sign(call, at('07.001')), letterhead.sign(other, at('07.002'))];
    expect(auth.verify(two, other, at('07.003'))).toMatchObject({ ok: true, value: { says: other.says } });
    expect(two).not.toBe(one);
  });

  it('does not fill the memory with what callers write', () => {
    for (let count = 0; count < 2_001; count += 1) letterhead.sign({ ...call, path: `/${count}` }, at('07.001'));
    letterhead.sign({ ...call, path: '/0' }, at('07.002'));
    expect(signed).toHaveBeenCalledTimes(2_002);
  });
});
