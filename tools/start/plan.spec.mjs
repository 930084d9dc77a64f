import { layOut, portsPerRegion, runDescription, servicesOf } from './plan.mjs';
import { makeSecrets } from './secrets.mjs';
import { signedCall } from './welcome.mjs';

const options = {
  port: 8080,
  gateways: 2,
  regions: [
    { id: 'eu-1', number: 1 },
    { id: 'us-1', number: 2 },
  ],
};
const ports = Array.from({ length: portsPerRegion(2) * 2 }, (_value, index) => 40_000 + index);
const servers = [
  {
    databaseUrl: 'postgresql://x/parley_eu_1',
    directoryUrl: 'postgresql://x/parley_directory',
    redisUrl: 'redis://eu',
  },
  {
    databaseUrl: 'postgresql://x/parley_us_1',
    directoryUrl: 'postgresql://x/parley_directory',
    redisUrl: 'redis://us',
  },
];
const secrets = makeSecrets();
const where = { root: '/p', logs: '/p/.parley/logs', environment: { PATH: '/bin' } };

describe('the plan of a start', () => {
  const regions = layOut(options, ports);
  const specs = regions.flatMap((region, index) => servicesOf(region, regions, servers[index], secrets, where));
  const named = (name) => specs.find((spec) => spec.name === name);

  it('puts the front doors on consecutive ports and gives no port twice', () => {
    expect(regions.map(({ url }) => url)).toEqual(['http://127.0.0.1:8080', 'http://127.0.0.1:8081']);
    const all = specs.map(({ env }) => env.PORT).concat(specs.flatMap(({ env }) => env.ADMIN_PORT ?? []));
    expect(new Set(all).size).toBe(all.length);
  });

  it('runs router, api, gateways and webhooks per region, each with the data of its region', () => {
    expect(specs.map(({ name }) => name)).toEqual(
      ['eu-1', 'us-1'].flatMap((id) =>
        ['region-router', 'api', 'signaling-1', 'signaling-2', 'webhooks'].map((name) => `${id}-${name}`),
      ),
    );
    expect(named('us-1-webhooks').env).toMatchObject({
      PARLEY_REGION: 'us-1',
      PARLEY_REGION_NUMBER: '2',
      DATABASE_URL: 'postgresql://x/parley_us_1',
      DIRECTORY_DATABASE_URL: 'postgresql://x/parley_directory',
      REDIS_URL: 'redis://us',
      PUBLIC_URL: 'http://127.0.0.1:8081',
      HOST: '127.0.0.1',
    });
  });

  it('hands the private ticket key to the api alone and the public one to the gateways', () => {
    const holders = (name) => new Set(specs.filter(({ env }) => env[name] !== undefined).map(({ service }) => service));
    expect(holders('PARLEY_TICKET_PRIVATE_KEY')).toEqual(new Set(['api']));
    expect(holders('PARLEY_TICKET_PUBLIC_KEYS')).toEqual(new Set(['signaling']));
    expect(holders('PARLEY_ADMIN_BOOTSTRAP_KEY')).toEqual(new Set(['api']));
    expect(named('eu-1-api').env.SIGNALING_PUBLIC_URL).toBe('ws://127.0.0.1:8080');
  });

  it('tells routers and gateways about every region', () => {
    const table = JSON.parse(named('eu-1-region-router').env.PARLEY_REGIONS);
    expect(table.map(({ id, number, url }) => [id, number, url])).toEqual([
      ['eu-1', 1, 'http://127.0.0.1:8080'],
      ['us-1', 2, 'http://127.0.0.1:8081'],
    ]);
    expect(table[0].signalingUrls).toEqual(
      ['eu-1-signaling-1', 'eu-1-signaling-2'].map((name) => `http://127.0.0.1:${named(name).env.PORT}`),
    );
    expect(JSON.parse(named('eu-1-signaling-1').env.PARLEY_REGIONS)).toEqual(table);
    expect(table[0].apiUrls).toEqual([`http://127.0.0.1:${named('eu-1-api').env.PORT}`]);
  });

  it('writes run.json in its documented shape', () => {
    const pids = { api: [1, 2] };
    const run = runDescription(regions, servers, secrets, pids);
    expect(Object.keys(run)).toEqual(
      ['url', 'regions', 'account', 'domain', 'webhookKey', 'internalSecret', 'adminUrl', 'adminKey', 'pids'] //
        .concat(['postgresUrl', 'redisUrl', 'directoryUrl']),
    );
    expect(run.regions[1]).toEqual({
      id: 'us-1',
      url: 'http://127.0.0.1:8081',
      signaling: ['us-1-signaling-1', 'us-1-signaling-2'].map(
        (name) => `ws://127.0.0.1:${named(name).env.PORT}/spreed`,
      ),
      adminUrl: `http://127.0.0.1:${named('us-1-api').env.ADMIN_PORT}`,
      postgresUrl: 'postgresql://x/parley_us_1',
      redisUrl: 'redis://us',
    });
    expect(run).toMatchObject({
      account: { authId: 'demo', secret: secrets.demo.secret },
      pids,
      redisUrl: 'redis://eu',
    });
  });

  it('prints a call whose key is the HMAC of its random text', () => {
    const call = signedCall({ url: 'http://h', account: { authId: 'demo', secret: 'se' } }, 'room', { method: 'list' });
    expect(call.split('\n').slice(0, 2)).toEqual([
      'R=$(openssl rand -hex 32)',
      `K=$(printf %s "$R" | openssl dgst -sha256 -hmac 'se' -r | cut -d' ' -f1)`,
    ]);
    expect(call).toContain(`http://h/api/room`);
  });
});
