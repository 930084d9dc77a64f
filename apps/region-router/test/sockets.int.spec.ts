import { once } from 'node:events';
import { regionsAnswerSchema } from '@parley/contracts';
import { eventually } from '@parley/testing';
import { WebSocket, type RawData } from 'ws';
import { exchange, FakeService, withEcho } from './fake-services';
import { startTwoRegions, type TestRegion, type TwoRegions } from './two-regions';

interface Greeting {
  readonly replica: string;
  readonly target: string;
  readonly headers: Record<string, string>;
}

const textOf = (data: RawData) => (Buffer.isBuffer(data) ? data : Buffer.from(data as ArrayBuffer)).toString();

async function open(region: TestRegion, path = '/spreed', headers: Record<string, string> = {}) {
  const socket = new WebSocket(region.url.replace('http', 'ws') + path, { headers });
  const [data] = (await once(socket, 'message')) as [RawData];
  return { socket, greeting: JSON.parse(textOf(data)) as Greeting };
}

async function echo(socket: WebSocket, payload: string | Buffer): Promise<string> {
  socket.send(payload);
  const [data] = (await once(socket, 'message')) as [RawData];
  return textOf(data);
}

describe('sockets through the front door', () => {
  let regions: TwoRegions;
  const sockets: WebSocket[] = [];
  const enter = async (path?: string, headers?: Record<string, string>) => {
    const entered = await open(regions.eu, path, headers);
    sockets.push(entered.socket);
    return entered;
  };
  beforeEach(async () => {
    regions = await startTwoRegions();
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.terminate();
    await regions.close();
  });

  it('are spread over the replicas and carry bytes both ways', async () => {
    const entered = [await enter(), await enter(), await enter(), await enter()];
    expect(entered.map(({ greeting }) => greeting.replica).sort()).toEqual([
      'eu-1.gw-1',
      'eu-1.gw-1',
      'eu-1.gw-2',
      'eu-1.gw-2',
    ]);
    const large = 'x'.repeat(300_000);
    for (const { socket } of entered) expect(await echo(socket, large)).toBe(large);
  });

  it('tell the replica who the client is, whatever the client says', async () => {
    const { greeting } = await enter('/spreed?x=1', { 'x-forwarded-for': '203.0.113.9', 'X-Real-IP': '1.1.1.1' });
    expect(greeting.target).toBe('/spreed?x=1');
    expect(greeting.headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
    expect(greeting.headers).not.toHaveProperty('x-real-ip');
  });

  it('end when their replica dies, and the next one goes to another', async () => {
    const { socket, greeting } = await enter();
    const [dead] = regions.eu.signaling.filter(({ name }) => name === greeting.replica);
    const closed = once(socket, 'close');
    await dead?.kill();
    await closed;
    expect(await regions.eu.router.metrics.registry.metrics()).toMatch(/parley_router_open_sockets\{.*\} 0\n/);
    for (let turn = 0; turn < 3; turn += 1) expect((await enter()).greeting.replica).not.toBe(greeting.replica);
  });

  it('end at the replica when the client goes', async () => {
    const { socket, greeting } = await enter();
    const replica = regions.eu.signaling.find(({ name }) => name === greeting.replica);
    expect(replica?.upgraded.size).toBe(1);
    socket.terminate();
    await eventually(() => replica?.upgraded.size === 0, 'the replica to see its socket go');
  });

  it('are not sent to a replica that drains', async () => {
    const [draining, other] = regions.eu.signaling;
    draining.ready = false;
    await eventually(() => regions.eu.log.some((line) => line.includes('replica is down')), 'the probe to notice');
    for (let turn = 0; turn < 3; turn += 1) expect((await enter()).greeting.replica).toBe(other.name);
  });

  it('come back to a replica that was restarted on its port', async () => {
    const [first, second] = regions.eu.signaling;
    const { port } = first;
    await first.kill();
    await second.kill();
    expect(await exchange(regions.eu.port, upgrade('/spreed'))).toMatch(/^HTTP\/1.1 503 /);
    const reborn = await FakeService.start('eu-1.gw-9', port);
    withEcho(reborn);
    await eventually(() => regions.eu.log.some((line) => line.includes('replica is up')), 'the probe to notice');
    expect((await enter()).greeting.replica).toBe('eu-1.gw-9');
    sockets.splice(0).forEach((socket) => socket.terminate());
    await reborn.kill();
  });

  it('of a polling session go where it lives', async () => {
    for (const name of ['eu-1.gw-1', 'eu-1.gw-2', 'eu-1.gw-2', 'eu-1.gw-1']) {
      const { greeting } = await enter(`/socket.io/?EIO=4&transport=websocket&sid=${name}.abc`);
      expect(greeting.replica).toBe(name);
    }
  });

  it('do not reach closed paths nor speak anything but WebSocket', async () => {
    expect(await exchange(regions.eu.port, upgrade('/v1/admin'))).toMatch(/^HTTP\/1.1 404 /);
    expect(await exchange(regions.eu.port, upgrade('/spreed', 'h2c'))).toMatch(/^HTTP\/1.1 426 /);
  });

  it('are ended when the router ends', async () => {
    const { socket } = await enter();
    const closed = once(socket, 'close');
    await regions.eu.router.close();
    await closed;
  });
});

describe('polling', () => {
  let regions: TwoRegions;
  beforeEach(async () => {
    regions = await startTwoRegions();
  });
  afterEach(() => regions.close());

  it('goes to the replica named in sid, with its body, without memory', async () => {
    const { eu } = regions;
    for (const [index, replica] of eu.signaling.entries()) {
      for (let turn = 0; turn < 3; turn += 1) {
        const answer = await fetch(`${eu.url}/socket.io/?EIO=4&transport=polling&sid=${replica.name}.a-b_c${turn}`, {
          method: 'POST',
          body: '4hi',
        });
        expect(answer.status).toBe(200);
      }
      expect(eu.signaling[index]?.seen.map(({ body }) => body)).toEqual(['4hi', '4hi', '4hi']);
    }
  });

  it('of a session nobody has is told to begin anew', async () => {
    const { eu } = regions;
    for (const sid of ['gone.abc', 'nodot', '.x']) {
      const answer = await fetch(`${eu.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`);
      expect([answer.status, await answer.json()]).toEqual([400, { code: 1, message: 'Session ID unknown' }]);
    }
    expect((await fetch(`${eu.url}/socket.io/?EIO=4&transport=polling`)).status).toBe(200);
  });

  it('and the other HTTP of signaling never reach the api, the rest does', async () => {
    const { eu } = regions;
    for (const path of ['/api/v1/welcome', '/standalone-signaling/api/v1/welcome', '/api/v1/room/abc'])
      await fetch(eu.url + path);
    expect(eu.signaling.flatMap(({ seen }) => seen.map(({ target }) => target))).toHaveLength(3);
    const form = await fetch(`${eu.url}/docs?x=1`, { method: 'PUT', body: 'y'.repeat(200_000) });
    expect(form.status).toBe(200);
    expect(eu.api.flatMap(({ seen }) => seen.map(({ target, body }) => [target, body.length]))).toEqual([
      ['/docs?x=1', 200_000],
    ]);
  });

  it('closed paths are answered here', async () => {
    const { eu } = regions;
    for (const path of ['/v1/admin/accounts', '/v1/%61dmin', '/internal/x', '/metrics']) {
      const answer = await fetch(eu.url + path);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
    }
    expect([...eu.api, ...eu.signaling].flatMap(({ seen }) => seen)).toEqual([]);
  });

  it('regions and ping are served by the router itself', async () => {
    const { eu, us } = regions;
    // The first one that started found the other one away.
    const calm = async () =>
      (await fetch(`${eu.url}/v1/regions`)).headers.get('cache-control') === 'private, max-age=300';
    await eventually(calm, 'both regions to be up');
    const answer = await fetch(`${eu.url}/v1/regions`);
    expect(regionsAnswerSchema.parse(await answer.json())).toEqual(
      [eu, us].map(({ id, url }) => ({
        id,
        url,
        signalingUrl: `${url.replace('http', 'ws')}/spreed`,
        pingUrl: `${url}/ping`,
        status: 'up',
        state: 'serving',
        position: null,
        group: null,
      })),
    );
    const ping = await fetch(`${eu.url}/ping`);
    const names = ['cache-control', 'access-control-allow-origin', 'timing-allow-origin'];
    expect([ping.status, ...names.map((name) => ping.headers.get(name))]).toEqual([204, 'no-store', '*', '*']);
    expect((await fetch(`${eu.url}/health/region`)).status).toBe(200);
    const ready = await fetch(`${eu.url}/health/ready`);
    expect(await ready.json()).toMatchObject({ status: 'ready', region: 'eu-1' });
  });
});

it('a region without api replicas says so to global load balancers, and other regions are told apart', async () => {
  const regions = await startTwoRegions();
  const { eu, us } = regions;
  let told: string[][] = [];
  try {
    await Promise.all(eu.api.map((api) => api.kill()));
    await eventually(async () => (await fetch(`${eu.url}/health/region`)).status === 503, 'the region to be withdrawn');
    const asked = async () => (await (await fetch(`${eu.url}/regions`)).json()) as { id: string; status: string }[];
    // The other one may not have been looked at since this one began.
    const expected = [
      [us.id, 'up'],
      ['eu-1', 'down'],
    ];
    await eventually(
      async () => {
        told = (await asked()).map(({ id, status }) => [id, status]);
        return JSON.stringify(told) === JSON.stringify(expected);
      },
      () => `the regions as they are, not ${JSON.stringify(told)}`,
    );
  } finally {
    await regions.close();
  }
});

const upgrade = (path: string, protocol = 'websocket') =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`;
