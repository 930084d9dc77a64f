import * as fc from 'fast-check';
import { brandAs, numericId, type Directory, type DomainName, type RegionId, type WebhookId } from '@parley/domain';
import { CachedDirectory } from '../directory/cached-directory';
import { RegionTable } from '../region-table';
import { decide, type Home } from './home';
import { HomeFinder, hostName } from './home-finder';
import { isXroomPath, routeOf } from './paths';

const region = (id: string, number: number) => ({
  id: brandAs<RegionId>(id),
  number,
  url: `https://${id}.parley.example`,
  apiUrls: [],
  signalingUrls: [],
});
const [eu, us, ap] = [region('eu-1', 1), region('us-1', 2), region('ap-1', 3)];
const ids = [eu.id, us.id, ap.id] as const;
const anyRegion = fc.constantFrom(...ids);
const anyHome: fc.Arbitrary<Home> = fc.oneof(
  fc.record({ kind: fc.constant('region' as const), region: anyRegion, strict: fc.boolean() }),
  fc.record({ kind: fc.constant('account' as const), regions: fc.uniqueArray(anyRegion), list: fc.boolean() }),
  fc.constant({ kind: 'anywhere' as const }),
);

describe('decide', () => {
  it('never passes on what already came from a router, nor strictly resident calls', () => {
    fc.assert(
      fc.property(anyHome, anyRegion, fc.integer({ min: 0, max: 3 }), (home, own, hops) => {
        const decision = decide(home, own, hops);
        const leaves = decision.kind === 'forward' || decision.kind === 'fan-out';
        if (hops > 0) expect(leaves).toBe(false);
        if (home.kind === 'region' && home.strict) expect(leaves).toBe(false);
        if (decision.kind === 'forward') expect(decision.region).not.toBe(own);
      }),
    );
  });

  it('serves at home whatever way it came, but for what is strictly resident and came from elsewhere', () => {
    fc.assert(
      fc.property(anyRegion, fc.boolean(), fc.nat(3), (own, strict, hops) => {
        const refused = { kind: 'misdirected', region: own };
        const expected = strict && hops > 0 ? refused : { kind: 'serve' };
        expect(decide({ kind: 'region', region: own, strict }, own, hops)).toEqual(expected);
      }),
    );
  });

  it.each([
    ['elsewhere', { kind: 'region', region: us.id, strict: false }, 0, { kind: 'forward', region: us.id }],
    ['elsewhere, second hop', { kind: 'region', region: us.id, strict: false }, 1, { kind: 'loop', region: us.id }],
    ['strict', { kind: 'region', region: us.id, strict: true }, 0, { kind: 'misdirected', region: us.id }],
    [
      'account in two regions',
      { kind: 'account', regions: [eu.id, us.id], list: true },
      0,
      { kind: 'fan-out', regions: [eu.id, us.id] },
    ],
    [
      'account in another one',
      { kind: 'account', regions: [us.id], list: true },
      0,
      { kind: 'forward', region: us.id },
    ],
    ['account, asked by a router', { kind: 'account', regions: [eu.id, us.id], list: true }, 1, { kind: 'serve' }],
    ['unknown account', { kind: 'account', regions: [], list: true }, 0, { kind: 'serve' }],
  ] as const)('%s', (_name, home, hops, expected) => {
    expect(decide(home, eu.id, hops)).toEqual(expected);
  });
});

describe('HomeFinder', () => {
  const domains: Record<string, string> = { 'eu.example': 'eu-1', 'us.example': 'us-1' };
  const directory: Directory = {
    domain: async (name) =>
      domains[name] === undefined ? null : { region: brandAs(domains[name]), epoch: 1, strictResidency: false },
    host: async (host) => (host === 'rooms.customer.example' ? brandAs<DomainName>('us.example') : null),
    regionsOf: async (authId) => (authId === 'acc' ? [eu.id, us.id] : []),
    movedId: async (_kind, id) => (id === numericId(7, 1) ? ap.id : null),
    strictRegions: async () => [],
  };
  const cached = (source: Directory) => new CachedDirectory(source, () => 0);
  const nothingStrict = { mayBeIn: async () => false, strictHomeOf: async () => undefined };
  const finder = new HomeFinder(cached(directory), new RegionTable([eu, us, ap], 'eu-1'), nothingStrict);

  it('believes the explicit domain before the host', async () => {
    const clues = { domain: 'EU.example', host: 'rooms.customer.example' };
    expect(await finder.byHeaders(clues)).toMatchObject({ home: { region: 'eu-1', domain: 'eu.example' } });
    expect(await finder.byHeaders({ ...clues, domain: 'nobody.example' })).toMatchObject({ home: { region: 'us-1' } });
    expect(await finder.byHeaders({ domain: undefined, host: 'other.example' })).toEqual({ blind: false });
  });

  it('does not ask the directory for front doors and addresses', async () => {
    const asked: string[] = [];
    const spy = { ...directory, host: async (host: string) => (asked.push(host), null) };
    const spying = new HomeFinder(cached(spy), new RegionTable([eu, us], 'eu-1'), nothingStrict);
    for (const host of ['eu-1.parley.example:8443', '127.0.0.1:8080', '[::1]:80', 'localhost', undefined, '']) {
      expect(await spying.byHeaders({ domain: undefined, host })).toEqual({ blind: false });
    }
    expect(asked).toEqual([]);
  });

  it('does not ask it for what cannot be a domain', async () => {
    const asked: string[] = [];
    const spy = { ...directory, domain: async (name: string) => (asked.push(name), null) };
    const spying = new HomeFinder(cached(spy), new RegionTable([eu, us], 'eu-1'), nothingStrict);
    for (const domain of ['', 'a b', 'a..b', '\u00e4.example', `${'a.'.repeat(200)}a`]) {
      expect(await spying.byHeaders({ domain, host: undefined })).toEqual({ blind: false });
    }
    expect(asked).toEqual([]);
  });

  it('reads the region out of a webhook id, unless it moved', async () => {
    const ask = (id: number) => finder.byTarget({ kind: 'webhook', id: brandAs<WebhookId>(id) }, undefined);
    expect(await ask(numericId(6, 2))).toMatchObject({ region: 'us-1' });
    expect(await ask(numericId(7, 1))).toMatchObject({ region: 'ap-1' });
    expect(await ask(numericId(6, 900))).toEqual({ kind: 'anywhere' });
  });

  it('reads it even while the directory is down, but does not guess about domains', async () => {
    const down = () => Promise.reject(new Error('down'));
    const blind = new HomeFinder(
      cached({ domain: down, host: down, regionsOf: down, movedId: down, strictRegions: down }),
      new RegionTable([eu, us], 'eu-1'),
      nothingStrict,
    );
    const id = brandAs<WebhookId>(numericId(6, 2));
    expect(await blind.byTarget({ kind: 'webhook', id }, undefined)).toMatchObject({ region: 'us-1' });
    await expect(blind.byTarget({ kind: 'domain', domain: brandAs('us.example') }, undefined)).rejects.toThrow('down');
    expect(await blind.byHeaders({ domain: undefined, host: 'other.example' })).toEqual({ blind: true });
  });

  it('takes the front door of another region for a wish to go there, our own for nothing', async () => {
    const named = await finder.byHeaders({ domain: undefined, host: 'US-1.parley.example' });
    expect(named).toEqual({ home: { kind: 'region', region: 'us-1', strict: false }, blind: false });
    const first = { domain: 'eu.example', host: 'us-1.parley.example' };
    expect(await finder.byHeaders(first)).toMatchObject({ home: { region: 'eu-1' } });
    expect(await finder.byHeaders({ domain: undefined, host: 'eu-1.parley.example' })).toEqual({ blind: false });
  });

  it('takes an account by its auth id', async () => {
    expect(await finder.byTarget({ kind: 'account' }, 'acc')).toEqual({
      ...{ kind: 'account', regions: ['eu-1', 'us-1'], list: true },
    });
    expect(await finder.byTarget({ kind: 'account' }, undefined)).toEqual({
      ...{ kind: 'account', regions: [], list: true },
    });
  });

  it('reads any host header without throwing', () => {
    fc.assert(fc.property(fc.string(), (host) => hostName(host) === undefined || hostName(host) !== ''));
  });
});

describe('routeOf', () => {
  it.each([
    ['POST', '/api/room', { kind: 'call', collection: 'room' }],
    ['POST', '/api/webhook?x=1', { kind: 'call', collection: 'webhook' }],
    ['GET', '/api/room', { kind: 'api' }],
    ['POST', '/api/rooms', { kind: 'api' }],
    ['POST', '/api/v1/room/abc', { kind: 'signaling' }],
    ['GET', '/api/v1/welcome', { kind: 'signaling' }],
    ['GET', '/standalone-signaling/api/v1/welcome', { kind: 'signaling' }],
    ['GET', '/socket.io/?EIO=4', { kind: 'signaling' }],
    ['POST', '/join', { kind: 'join' }],
    ['POST', '/join#x', { kind: 'join' }],
    ['POST', '/%6aoin', { kind: 'join' }],
    ['POST', '/api/room#?x', { kind: 'call', collection: 'room' }],
    ['OPTIONS', '/join', { kind: 'api' }],
    ['GET', '/docs', { kind: 'api' }],
    ['GET', '/v1/administrators', { kind: 'rest', path: '/v1/administrators', query: '' }],
    ['DELETE', '/v1/Webhooks/%37?domain=x%20y#z', { kind: 'rest', path: '/v1/webhooks/7', query: 'domain=x%20y' }],
  ])('%s %s', (method, target, expected) => {
    expect(routeOf(method, target)).toEqual(expected);
  });

  it.each([
    '/v1/admin',
    '/v1/admin/keys',
    '/v1//admin',
    '/V1/Admin',
    '/v1/%61dmin',
    '/x/../v1/admin',
    '/v1%2fadmin',
    '/v1/admin;x',
    '/internal/x',
    '/metrics',
    '/%',
    '/metrics#x',
    'http://front.example/v1/admin',
    'HTTP://front.example/api/room',
    '*',
  ])('keeps %s closed', (target) => expect(routeOf('GET', target)).toEqual({ kind: 'closed' }));

  it('knows where answers are envelopes', () => {
    expect(['/api/room', '/api', '/api/v1/welcome', '/join'].map(isXroomPath)).toEqual([true, true, false, false]);
  });
});
