import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { ConfigError } from '@parley/config';
import { eventually } from '@parley/testing';
import type { RunningSignaling } from '../src/app';
import { TestRegion } from './gateway';
import { expectRightTime } from './promised';

const TURN = {
  TURN_SERVERS: 'turn:1.2.3.4:9991?transport=udp,turn:1.2.3.4:9991?transport=tcp',
  TURN_SECRET: 'the secret of the TURN servers',
  TURN_API_KEY: 'the key of the SFU',
};
let region: TestRegion;
let gateway: RunningSignaling;
let bare: RunningSignaling;

beforeAll(async () => {
  region = await TestRegion.start();
  gateway = await region.replica({}, { ...TURN, STATS_ALLOWED_IPS: '127.0.0.1,192.0.2.0/24' });
  bare = await region.replica({}, { STATS_ALLOWED_IPS: '192.0.2.1', TRUSTED_PROXIES: '10.0.0.0/8' });
});
afterEach(() => region?.sendEverybodyHome());
afterAll(() => region?.close());

const get = (path: string, headers: Record<string, string> = {}, from = gateway) =>
  fetch(`${from.url}${path}`, { headers });

function expectCommonHeaders({ headers }: Response, since: number): void {
  expect(headers.get('server')).toMatch(/^nextcloud-spreed-signaling\/\d/);
  const features = headers.get('x-spreed-signaling-features')?.split(', ') ?? [];
  expect(features).toContain('hello-v2');
  expect(new Set(features).size).toBe(features.length);
  expectRightTime(headers, since);
}

describe('every answer', () => {
  test.each([
    ['GET', '/api/v1/welcome', 200],
    ['POST', '/api/v1/welcome', 405],
    ['DELETE', '/api/v1/stats', 405],
    ['POST', '/turn/credentials', 405],
    ['GET', '/api/v1/room/token', 404],
    ['PUT', '/api/v1/room/token', 404],
    ['POST', '/api/v1/room/token', 403],
    ['GET', '/nothing', 404],
    ['GET', '/spreed', 400],
    ['GET', '/spreed/', 404],
  ])('%s %s has status %i, the features and the time', async (method, path, status) => {
    const post = method === 'POST' ? { body: '{}', headers: { 'content-type': 'application/json' } } : {};
    const since = Date.now();
    const answer = await fetch(`${gateway.url}${path}`, { method, ...post });
    expect(answer.status).toBe(status);
    expectCommonHeaders(answer, since);
    if (status < 400) return;
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('also the refusal of an upgrade', async () => {
    const headers = { connection: 'upgrade', upgrade: 'websocket' };
    const answer = await new Promise<{ status?: number | undefined; server?: unknown }>((resolve, reject) => {
      const request = httpRequest(`${gateway.url}/elsewhere`, { headers }, (response) => {
        resolve({ status: response.statusCode, server: response.headers.server });
        response.destroy();
      });
      request.on('error', reject).end();
    });
    expect(answer).toEqual({ status: 404, server: expect.stringMatching(/^nextcloud-spreed-signaling\//) as unknown });
  });
});

/** Figures of all replicas may lag behind a little. */
async function expectStats(figures: { rooms: number; sessions: number }): Promise<void> {
  const told = async (from: RunningSignaling) => (await (await get('/api/v1/stats', {}, from)).text()).trim();
  const same = async () => (await told(gateway)) === JSON.stringify(figures);
  await eventually(same, async () => `${JSON.stringify(figures)}, not ${await told(gateway)}`);
}

describe('figures', () => {
  test('sessions and rooms of all replicas, the features, and Prometheus text', async () => {
    await expectStats({ rooms: 0, sessions: 0 });
    const [ada, bob] = [await region.visitor(gateway, 'Ada', 'one'), await region.visitor(gateway, 'Bob', 'two')];
    const eve = await region.visitor(bare, 'Eve', 'one');
    await expectStats({ rooms: 0, sessions: 3 });
    await eve.join('demo.test/one');
    await eve.bye();
    await ada.join('demo.test/one');
    await expectStats({ rooms: 1, sessions: 2 });
    await bob.join('demo.test/two');
    await expectStats({ rooms: 2, sessions: 2 });
    const figures = await get('/metrics');
    expect(figures.headers.get('content-type')).toMatch(/^text\/plain/);
    const text = await figures.text();
    expect(text).toMatch(/^signaling_hub_rooms\{[^}]*\} 2$/m);
    expect(text).toMatch(/^signaling_hub_sessions\{.*backend="domain:demo.test".*\} 2$/m);
    expect(text).toMatch(/^signaling_room_sessions\{.*backend="domain:demo.test".*clienttype="client".*\} 2$/m);
    expect(text).toMatch(/^signaling_client_countries_total\{.*country="loopback".*\} \d+$/m);
    // Nobody waits for the answer to a ping.
    await eventually(
      async () => /^signaling_client_rtt_count\{[^}]*\} [1-9]/m.test(await (await get('/metrics')).text()),
      'an answer to a ping',
    );
    expect(text).not.toMatch(/room="/);
    await ada.bye();
    await bob.bye();
    await expectStats({ rooms: 0, sessions: 0 });
    const info = (await (await get('/api/v1/serverinfo')).json()) as { version: string; features: string[] };
    expect(info).toEqual({
      version: expect.any(String) as unknown,
      features: expect.arrayContaining(['hello-v2']) as unknown,
    });
  });

  test.each([
    ['nobody in between', {}, 200],
    ['an allowed one behind our proxy', { 'x-forwarded-for': '192.0.2.7' }, 200],
    ['a stranger behind our proxy', { 'x-forwarded-for': '198.51.100.7' }, 403],
    ['a stranger who writes an allowed address in front', { 'x-forwarded-for': '192.0.2.7, 198.51.100.7' }, 403],
    ['a stranger by X-Real-IP', { 'x-real-ip': '198.51.100.7' }, 403],
    ['an allowed one by X-Real-IP', { 'x-real-ip': '192.0.2.7' }, 200],
  ])('%s', async (_, headers, status) => {
    for (const path of ['/api/v1/stats', '/api/v1/serverinfo', '/metrics']) {
      const since = Date.now();
      const answer = await get(path, headers);
      expect([path, answer.status]).toEqual([path, status]);
      expectCommonHeaders(answer, since);
      if (status === 403) expect(await answer.text()).toBe('Authentication check failed\n');
    }
  });

  test('who is no proxy of ours cannot say who it is', async () => {
    for (const header of ['x-other', 'x-real-ip', 'x-forwarded-for']) {
      expect((await get('/api/v1/stats', { [header]: '192.0.2.1' }, bare)).status).toBe(403);
    }
  });
});

describe('TURN credentials', () => {
  const ask = (query: Record<string, string>, from = gateway) =>
    get(`/turn/credentials?${new URLSearchParams(query).toString()}`, {}, from);

  test.each(['key', 'api'])('are made for a day, for those who know the key (as %s)', async (name) => {
    const since = Date.now() / 1_000;
    const answer = await ask({ service: 'turn', [name]: TURN.TURN_API_KEY, username: 'ada' });
    expect(answer.status).toBe(200);
    const given = (await answer.json()) as { username: string; password: string; ttl: number; uris: string[] };
    expect(given).toMatchObject({ ttl: 86_400, uris: TURN.TURN_SERVERS.split(',') });
    const [, expiry, user] = /^(\d+):(.*)$/.exec(given.username) ?? [];
    expect(user).toBe('ada');
    expect(Number(expiry)).toBeGreaterThan(since + 86_400 - 10);
    expect(Number(expiry)).toBeLessThan(Date.now() / 1_000 + 86_400 + 10);
    expect(given.password).toBe(createHmac('sha1', TURN.TURN_SECRET).update(given.username).digest('base64'));
  });

  test('need no name', async () => {
    const names = await Promise.all(
      [1, 2].map(
        async () =>
          ((await (await ask({ service: 'turn', key: TURN.TURN_API_KEY })).json()) as { username: string }).username,
      ),
    );
    expect(names[0]).toMatch(/^\d+:.{32}$/);
    expect(names[0]).not.toBe(names[1]);
  });

  test('are refused', async () => {
    expect((await ask({ service: 'stun', key: TURN.TURN_API_KEY })).status).toBe(400);
    expect((await ask({ service: 'turn' })).status).toBe(400);
    expect((await ask({ service: 'turn', key: 'another key' })).status).toBe(403);
    expect((await ask({ service: 'turn', key: '' }, bare)).status).toBe(400);
    expect((await ask({ service: 'turn', key: 'x' }, bare)).status).toBe(403);
  });

  test('servers without the secrets are a mistake in the configuration', async () => {
    await expect(region.replica({}, { TURN_SERVERS: TURN.TURN_SERVERS })).rejects.toThrow(ConfigError);
  });
});
