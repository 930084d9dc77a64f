import { once } from 'node:events';
import { regionsAnswerSchema } from '@parley/contracts';
import { brandAs, type RegionEntry, type RegionId } from '@parley/domain';
import { eventually } from '@parley/testing';
import { WebSocket } from 'ws';
import { call, startTwoRegions, type TestRegion, type TwoRegions } from './two-regions';

const GERMAN = '91.65.1.1';
const AMERICAN = '8.8.8.8';

/** What `GET /v1/regions` of a region says, e.g. `eu-1 up serving`. */
async function told(region: TestRegion, headers: Record<string, string>): Promise<string[]> {
  const answer = await fetch(`${region.url}/v1/regions`, { headers });
  const regions = regionsAnswerSchema.parse(await answer.json());
  return [answer.headers.get('cache-control') ?? '', ...regions.map((one) => `${one.id} ${one.status} ${one.state}`)];
}

function entry(region: TestRegion, number: number, more: Partial<RegionEntry>): RegionEntry {
  return {
    id: brandAs<RegionId>(region.id),
    number,
    apiUrl: region.url,
    signalingUrl: region.url.replace('http', 'ws'),
    position: null,
    group: null,
    state: 'serving',
    version: 1,
    ...more,
  };
}

describe('the regions', () => {
  let regions: TwoRegions;

  beforeAll(async () => {
    regions = await startTwoRegions({ trustedProxies: '127.0.0.0/8' });
  });

  afterAll(() => regions.close());

  /** Operators say so; answers when the router in eu-1 has heard it. */
  async function say(more: { eu?: Partial<RegionEntry>; us?: Partial<RegionEntry> }, heard: string): Promise<void> {
    const { eu, us } = regions;
    eu.directory.entries = [
      entry(eu, 1, { position: { latitude: 50.1, longitude: 8.7 }, ...more.eu }),
      entry(us, 2, { position: { latitude: 39, longitude: -77.5 }, ...more.us }),
    ];
    let last: string[] = [];
    const is = async () => (last = await told(eu, { 'x-forwarded-for': AMERICAN })).slice(1).join(', ') === heard;
    await eventually(is, () => `${heard}; the last answer was ${last.join(', ')}`);
  }

  it('come in the order of nearness to whoever asks; a proxy of ours may know better', async () => {
    const { eu } = regions;
    await say({}, 'us-1 up serving, eu-1 up serving');
    const [calm, ...german] = await told(eu, { 'x-forwarded-for': GERMAN });
    expect(calm).toBe('private, max-age=300');
    expect(german).toEqual(['eu-1 up serving', 'us-1 up serving']);
    const headers = { 'x-forwarded-for': GERMAN, 'x-parley-client-country': 'US' };
    expect((await told(eu, headers))[1]).toBe('us-1 up serving');
    // Nobody knows where this machine is: the order of the operator.
    expect((await told(eu, {}))[1]).toBe('eu-1 up serving');
  });

  it('that drain come behind those that can be chosen; those that were taken down are gone', async () => {
    await say({ us: { state: 'draining' } }, 'eu-1 up serving, us-1 up draining');
    expect((await told(regions.eu, {}))[0]).toBe('private, max-age=5');
    await say({ us: { state: 'down' } }, 'eu-1 up serving');
  });

  it('that drain serve what they have: calls, joins and sockets of their domains, from everywhere', async () => {
    const { eu, us } = regions;
    regions.know('us.example', { region: 'us-1' });
    us.directory.entries = [entry(eu, 1, {}), entry(us, 2, { state: 'draining' })];
    await say({ us: { state: 'draining' } }, 'eu-1 up serving, us-1 up draining');
    const health = async () => {
      const answer = await fetch(`${us.url}/health/region`);
      return [answer.status, await answer.json()];
    };
    await eventually(async () => (await health())[0] === 503, 'us-1 to be withdrawn from global load balancers');
    expect(await health()).toEqual([503, { status: 'draining' }]);
    expect((await fetch(`${us.url}/health/ready`)).status).toBe(200);
    for (const region of [eu, us]) {
      const { status, body } = await call(region, { method: 'init', data: { id: 'us.example/lobby' } });
      expect([status, body]).toMatchObject([200, { data: { servedBy: expect.stringMatching(/^us-1-api/) as string } }]);
    }
    const socket = new WebSocket(`${us.url.replace('http', 'ws')}/spreed`);
    const [greeting] = (await once(socket, 'message')) as [Buffer];
    expect(greeting.toString()).toContain('us-1.gw');
    socket.close();
    us.directory.entries = [];
    // Nobody takes a draining region for one that is away, however often it is asked.
    expect((await told(eu, {})).at(-1)).toBe('us-1 up draining');
  });

  it('that have no gateway left come last, although their front door answers', async () => {
    await say({}, 'us-1 up serving, eu-1 up serving');
    await Promise.all(regions.us.signaling.map((gateway) => gateway.kill()));
    await say({}, 'eu-1 up serving, us-1 down serving');
    regions.us.directory.down = true;
    const statusOf = async (path: string) => (await fetch(`${regions.us.url}/health/${path}`)).status;
    // A region is withdrawn because of that, and no front door ended: it serves as soon as somebody behind it does.
    expect([await statusOf('region'), await statusOf('ready'), await statusOf('live')]).toEqual([503, 200, 200]);
  });
});
