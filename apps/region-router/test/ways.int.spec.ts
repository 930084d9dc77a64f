import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { brandAs, numericId, type RegionEntry, type RegionId } from '@parley/domain';
import { InternalAuth } from '@parley/server-kit';
import { eventually } from '@parley/testing';
import { PROXY_TIMES } from '../src/proxy/proxy';
import { exchange, FakeService } from './fake-services';
import { call, saidTo, SECRET, seenBy, startTwoRegions, type TestRegion, type TwoRegions } from './two-regions';

const init = (id: string) => ({ method: 'init', data: { id } });
const [inEu, inUs] = [numericId(7, 1), numericId(7, 2)];

function entry({ id, url }: TestRegion, number: number, more: Partial<RegionEntry> = {}): RegionEntry {
  const place = { id: brandAs<RegionId>(id), number, apiUrl: url, signalingUrl: url.replace('http', 'ws') };
  return { ...place, position: null, group: null, state: 'serving', version: 1, ...more };
}

describe('ways of calls through the front door', () => {
  let regions: TwoRegions;
  beforeEach(async () => {
    regions = await startTwoRegions();
    regions.know('eu.example', { region: 'eu-1' });
    regions.know('us.example', { region: 'us-1' });
    regions.know('strict.example', { region: 'us-1', strict: true });
  });
  afterEach(() => regions.close());

  it('carry request id and trace context to the home region, and the client as signed', async () => {
    const { eu, us } = regions;
    const trace = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'vendor=1',
      'x-request-id': 'request-0123456789',
      'idempotency-key': 'once',
    };
    await call(eu, init('us.example/r'), trace);
    expect(seenBy(us)[0]?.headers).toMatchObject(trace);
    const signed = new InternalAuth(SECRET).sign(
      { method: 'POST', path: '/api/room', from: 'region-router@eu-1', hops: 1, says: { for: '203.0.113.7' } },
      new Date(),
    );
    await call(us, init('us.example/r'), { 'x-parley-internal': signed, 'x-forwarded-for': '192.0.2.66' });
    expect(seenBy(us)[1]?.headers['x-forwarded-for']).toBe('203.0.113.7');
  });

  it('lead away with 307 when the caller prefers it, and only then, and only elsewhere', async () => {
    const { eu, us } = regions;
    const send = (room: string, prefer: string, path = '/api/room?x=%201') =>
      fetch(eu.url + path, {
        method: 'POST',
        redirect: 'manual',
        headers: { prefer },
        body: JSON.stringify(path === '/join' ? { room } : init(room)),
      });
    for (const prefer of ['region-redirect', 'respond-async, Region-Redirect; x=1']) {
      const answer = await send('us.example/r', prefer);
      expect([answer.status, answer.headers.get('location')]).toEqual([307, `${us.url}/api/room?x=%201`]);
      expect(answer.headers.get('x-home-host')).toBe(new URL(us.url).host);
      expect(answer.headers.get('preference-applied')).toBe('region-redirect');
      expect(await answer.json()).toMatchObject({ isError: true, data: null });
    }
    const join = await send('us.example/r', 'region-redirect', '/join');
    expect([join.status, join.headers.get('location')]).toEqual([307, `${us.url}/join`]);
    expect((await send('eu.example/r', 'region-redirect')).status).toBe(200);
    expect((await send('strict.example/r', 'region-redirect')).status).toBe(421);
    expect((await send('us.example/r', 'region-redirected')).status).toBe(200);
    expect([seenBy(eu).length, seenBy(us).length]).toEqual([1, 1]);
  });

  it('stream what is longer than the buffer: the home region reads before the caller has written all', async () => {
    const { eu, us } = regions;
    let arrived = 0;
    const path = `/v1/webhooks/${inUs}`;
    us.api.forEach(({ server }) =>
      server.prependListener('request', (incoming: IncomingMessage) => {
        if (incoming.url === path) incoming.on('data', (chunk: Buffer) => (arrived += chunk.length));
      }),
    );
    const sent = request(`${eu.url}${path}`, { method: 'PATCH', headers: { 'transfer-encoding': 'chunked' } });
    sent.write('x'.repeat(100_000));
    await eventually(
      () => arrived === 100_000,
      () => `100000 bytes to arrive, got ${arrived}`,
    );
    sent.end('y'.repeat(100_000));
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    expect([answer.statusCode, answer.headers['x-home-region']]).toEqual([200, 'us-1']);
    await text(answer);
    expect(seenBy(us).map(({ body }) => body.length)).toEqual([200_000]);
  });

  it('to a region that takes no connections are refused at once after a few, and find it when it is back', async () => {
    const { eu, us } = regions;
    await us.router.close();
    const refusals = () => eu.log.filter((line) => line.includes('the region takes no connections')).length;
    for (let turn = 0; turn < 5; turn += 1) {
      expect((await call(eu, init('us.example/r'))).status).toBe(503);
      expect(refusals()).toBe(0);
    }
    // One call is let through every two seconds, to see.
    await eventually(async () => {
      const refused = await call(eu, init('us.example/r'));
      expect([refused.status, refused.headers.get('x-home-region')]).toEqual([503, 'us-1']);
      return refusals() > 0;
    }, 'a call to be refused at once');
    const back = await FakeService.start('us-1', us.port);
    await eventually(async () => (await call(eu, init('us.example/r'))).status === 200, 'a call to get there');
    await back.kill();
  });

  it('stream to a replica that dies: the caller hears of it', async () => {
    const { eu } = regions;
    eu.api.forEach(({ server }) =>
      server.prependListener('request', (incoming: IncomingMessage) => {
        incoming.once('data', () => incoming.socket.destroy());
      }),
    );
    const sent = request(`${eu.url}/v1/webhooks/${inEu}`, {
      method: 'PATCH',
      headers: { 'transfer-encoding': 'chunked' },
    });
    sent.write('x'.repeat(100_000));
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5']);
    sent.on('error', () => undefined).destroy();
  });

  it('whose answer nobody reads do not keep the connection to the replica', async () => {
    await regions.close();
    const ownRegion = { connectMs: 1_000, answerMs: 3_000 };
    regions = await startTwoRegions({ times: { proxy: { ...PROXY_TIMES, ownRegion } } });
    const { eu } = regions;
    const size = 64 * 1_048_576;
    const cut = Promise.race(
      eu.api.map(
        (api) =>
          new Promise<void>((resolve) => {
            api.answer = (_seen, response) => void response.once('close', resolve).end(Buffer.alloc(size));
          }),
      ),
    );
    const reader = connect(eu.port, '127.0.0.1').pause();
    reader.on('error', () => undefined).write('GET /v1/deliveries HTTP/1.1\r\nHost: x\r\n\r\n');
    await cut;
    let arrived = 0;
    reader.on('data', (chunk: Buffer) => (arrived += chunk.length)).resume();
    await once(reader, 'close');
    expect(arrived).toBeLessThan(size);
  });

  it('are told apart by the regional host, the id and the key while the directory is down', async () => {
    const { eu, us } = regions;
    for (const { directory } of [eu, us]) directory.down = true;
    const key = { authorization: `Bearer pk_us-1_${'a'.repeat(64)}` };
    const claims = Buffer.from(JSON.stringify({ region: 'us-1' })).toString('base64url');
    const get = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(eu.url + path, { headers })).status;
    expect(await get(`/v1/webhooks/${inUs}`)).toBe(200);
    expect(await get('/v1/deliveries/dlv_us-1_0123')).toBe(200);
    expect(await get('/v1/keys', key)).toBe(200);
    expect(await get('/v1/webhooks?domain=unheard.example', key)).toBe(200);
    expect(await get('/v1/keys', { authorization: `Bearer eyJh.${claims}.c2ln` })).toBe(200);
    expect((await call(eu, { method: 'validate', data: { id: inUs } }, {}, 'webhook')).status).toBe(200);
    const body = JSON.stringify({ method: 'validate', data: { id: inEu } });
    const host = `Host: ${new URL(us.url).host}\r\nConnection: close`;
    const head = `POST /api/webhook HTTP/1.1\r\n${host}\r\nContent-Length: ${body.length}\r\n\r\n`;
    // It is us-1 that the caller wants, though not what the id says; us-1 does not send it on.
    expect(await exchange(eu.port, head + body)).toMatch(/^HTTP\/1.1 508 /);
    expect([seenBy(eu).length, seenBy(us).length]).toEqual([0, 6]);
    expect(await get('/v1/webhooks?domain=unheard.example')).toBe(503);
    expect((await call(eu, init('unheard.example/r'))).status).toBe(503);
  });

  it('refuse a member that is named twice rather than choose one', async () => {
    const { eu, us } = regions;
    const twice = '{"method":"init","data":{"id":"eu.example/r","id":"us.example/r"}}';
    await call(eu, twice);
    await fetch(`${eu.url}/join`, { method: 'POST', body: '{"room":"eu.example/r","room":"us.example/r"}' });
    // Nobody is asked for it but the api here, which reads with the same reader and refuses.
    expect([seenBy(eu).length, seenBy(us).length]).toEqual([2, 0]);
    expect(eu.directory.asked).toEqual([]);
    expect(seenBy(eu).map((seen) => saidTo(seen))).toEqual([undefined, undefined]);
  });

  it('are tried again when that does no harm, and only then', async () => {
    const { eu, us } = regions;
    const breakOnce = (region: TestRegion) => {
      let broken = 0;
      for (const api of region.api) {
        const { answer } = api;
        api.answer = (seen, response) => (broken++ === 0 ? void response.destroy() : answer(seen, response));
      }
    };
    breakOnce(us);
    expect((await fetch(`${eu.url}/v1/webhooks/${inUs}`)).status).toBe(200);
    breakOnce(eu);
    expect((await fetch(`${eu.url}/v1/webhooks/${inEu}`, { method: 'DELETE' })).status).toBe(200);
    breakOnce(us);
    const post = await fetch(`${eu.url}/v1/webhooks/${inUs}/pause`, { method: 'POST' });
    expect([post.status, post.headers.get('x-home-region')]).toEqual([503, 'us-1']);
    expect([seenBy(eu).length, seenBy(us).length]).toEqual([2, 3]);
  });

  it('follow the table of regions in the directory, and keep the last one while that is down', async () => {
    const { eu, us } = regions;
    const settled = (what: string, status: number) =>
      eventually(async () => (await call(eu, init('us.example/r'))).status === status, what);
    await settled('us-1 to be asked', 200);
    eu.directory.entries = [entry(eu, 1), entry(us, 2, { state: 'down' })];
    await settled('us-1 to be left alone', 503);
    const answer = await call(eu, init('us.example/r'));
    expect([answer.headers.get('x-home-region'), answer.headers.get('retry-after')]).toEqual(['us-1', '5']);
    eu.directory.entries = [entry(eu, 1), entry(us, 2)];
    await settled('us-1 to be asked again', 200);
    eu.directory.down = true;
    await eventually(() => eu.log.some((line) => /region/.test(line) && /warn/.test(line)), 'the outage to be told');
    await settled('us-1 to be asked all the same', 200);
  });
});

it('regions whose clocks are ten minutes apart understand each other, both ways', async () => {
  const regions = await startTwoRegions({ skewMs: { 'us-1': 600_000 } });
  const { eu, us } = regions;
  regions.know('eu.example', { region: 'eu-1' });
  regions.know('us.example', { region: 'us-1' });
  expect((await call(eu, init('us.example/r'))).status).toBe(200);
  expect((await call(us, init('eu.example/r'))).status).toBe(200);
  expect([seenBy(eu).length, seenBy(us).length]).toEqual([1, 1]);
  await regions.close();
});
