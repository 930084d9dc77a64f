import { once } from 'node:events';
import { WebSocket, type RawData } from 'ws';
import { exchange } from './fake-services';
import { call, seenBy, startTwoRegions, type TestRegion, type TwoRegions } from './two-regions';

const claims = {
  'x-forwarded-for': '203.0.113.9',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'claimed.example',
};
const init = (id: string) => ({ method: 'init', data: { id } });

/** What the signaling replica behind the front door was told of a socket's client. */
async function toldOfSocket(region: TestRegion, headers: Record<string, string>) {
  const socket = new WebSocket(`${region.url.replace('http', 'ws')}/spreed`, { headers });
  const [data] = (await once(socket, 'message')) as [RawData];
  socket.terminate();
  return (JSON.parse((data as Buffer).toString()) as { headers: Record<string, string> }).headers;
}

describe('who a client is, as those behind the front door are told', () => {
  let regions: TwoRegions | undefined;
  const start = async (trustedProxies?: string) => {
    regions = await startTwoRegions({ trustedProxies });
    regions.know('eu.example', { region: 'eu-1' });
    regions.know('us.example', { region: 'us-1' });
    return regions;
  };
  afterEach(() => regions?.close());

  it('is the address it comes from, whatever a neighbour on loopback claims: call, other region, socket', async () => {
    const { eu, us } = await start();
    const host = new URL(eu.url).host;
    const truth = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http', 'x-forwarded-host': host };
    await call(eu, init('eu.example/r'), claims);
    await call(eu, init('us.example/r'), claims);
    for (const region of [eu, us]) expect(seenBy(region)[0]?.headers).toMatchObject(truth);
    expect(await toldOfSocket(eu, claims)).toMatchObject(truth);
  });

  it('is what a proxy that the operator named says, in the home region too', async () => {
    const { eu, us } = await start('127.0.0.1/32');
    await call(eu, init('eu.example/r'), claims);
    await call(eu, init('us.example/r'), claims);
    for (const region of [eu, us]) expect(seenBy(region)[0]?.headers).toMatchObject(claims);
    expect(await toldOfSocket(eu, claims)).toMatchObject(claims);
  });

  it('stands before all that the caller sent', async () => {
    const { eu } = await start();
    await call(eu, init('eu.example/r'), { 'x-random': 'r' });
    const names = seenBy(eu)[0]?.rawHeaders.filter((_part, at) => at % 2 === 0) ?? [];
    expect(names.indexOf('x-forwarded-for')).toBeLessThan(names.indexOf('x-random'));
  });

  it('cannot be crowded out by thousands of headers: more than 200 are refused', async () => {
    const { eu } = await start();
    const head = (line: string, count: number) =>
      `${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${'a:\r\n'.repeat(count - 2)}`;
    const posted = (count: number) => exchange(eu.port, `${head('POST /api/room', count)}\r\n`);
    for (const count of [201, 2100]) expect(await posted(count)).toMatch(/^HTTP\/1.1 431 [^]*"isError":true/);
    const upgrade = `${head('GET /spreed', 1990)}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    expect(await exchange(eu.port, upgrade)).toMatch(/^HTTP\/1.1 431 /);
    expect(seenBy(eu)).toEqual([]);
    const most = `${head('POST /api/room', 199)}Content-Length: 2\r\n\r\n{}`;
    expect(await exchange(eu.port, most)).toMatch(/^HTTP\/1.1 200 /);
  });
});
