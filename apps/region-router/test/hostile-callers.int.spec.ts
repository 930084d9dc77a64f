import { once } from 'node:events';
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { eventually } from '@parley/testing';
import { exchange } from './fake-services';
import { seenBy, startTwoRegions, type TestRegion, type TwoRegions } from './two-regions';

const get = (target: string, headers = '') => `GET ${target} HTTP/1.1\r\nHost: front\r\n${headers}\r\n`;

/** Lets the api of a region answer nothing before it is told to; the answers that wait. */
function held({ api }: TestRegion): ServerResponse[] {
  const waiting: ServerResponse[] = [];
  for (const service of api) service.answer = (_seen, response) => void waiting.push(response);
  return waiting;
}

/** Writes as fast as somebody reads, without end. */
function pour(response: ServerResponse): void {
  const chunk = Buffer.alloc(65_536);
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
}

describe('a caller who means harm', () => {
  let regions: TwoRegions;
  beforeEach(async () => {
    regions = await startTwoRegions();
    regions.know('us.example', { region: 'us-1' });
  });
  afterEach(() => regions.close());

  it('does not open thousands of connections behind the front door with one of their own', async () => {
    const { eu } = regions;
    const waiting = held(eu);
    const answered = exchange(eu.port, get('/docs').repeat(200));
    await eventually(
      () => waiting.length === 32,
      () => `32 requests under way; there are ${waiting.length}`,
    );
    for (const response of waiting) response.end('one');
    const all = await answered;
    expect([all.match(/HTTP\/1\.1 200 /g)?.length, all.match(/HTTP\/1\.1 429 /g)?.length]).toEqual([32, 1]);
    expect(seenBy(eu)).toHaveLength(32);
  });

  it('gets as many answers as they like one after the other', async () => {
    const { eu } = regions;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let turn = 0; turn < 40; turn += 1) {
      const sent = request(`${eu.url}/docs`, { agent }).end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      await text(answer);
      expect(answer.statusCode).toBe(200);
    }
    agent.destroy();
  });

  it('leaves nothing open behind the front door when they go before an answer had its turn', async () => {
    const { eu } = regions;
    const waiting = held(eu);
    const socket = connect(eu.port, '127.0.0.1', () => socket.write(get('/docs').repeat(3)));
    await eventually(
      () => waiting.length === 3,
      () => `three requests under way; there are ${waiting.length}`,
    );
    const over = Promise.all(waiting.map((response) => once(response, 'close')));
    waiting.slice(1).forEach(pour);
    socket.destroy();
    await over;
  });

  it('cannot hide a domain from the router behind a fragment', async () => {
    const sent = get('/v1/events#domain=strict.example', 'X-Parley-Domain: us.example\r\n');
    expect(await exchange(regions.eu.port, sent)).toMatch(/^HTTP\/1\.1 400 [^]*"unreadable"/);
    expect([...seenBy(regions.eu), ...seenBy(regions.us)]).toEqual([]);
  });

  it('is not remembered under names that nobody could have', async () => {
    const { eu, us } = regions;
    regions.know('strict.example', { region: 'us-1', strict: true });
    const asked = jest.spyOn(eu.directory, 'regionsOf');
    const close = 'Connection: close\r\n';
    const post = (id: string) =>
      exchange(
        eu.port,
        `POST /api/room HTTP/1.1\r\nHost: x\r\n${close}X-Auth-Id: ${id}\r\nContent-Length: 2\r\n\r\n{}`,
      );
    const list = (id: string) => exchange(eu.port, get('/v1/robots', `${close}X-Auth-Id: ${id}\r\n`));
    for (const id of ['a'.repeat(128), 'a'.repeat(129), 'a'.repeat(9_000)]) {
      expect(await post(id)).toMatch(/^HTTP\/1\.1 200 /);
      expect(await list(id)).toMatch(/^HTTP\/1\.1 200 /);
    }
    expect(new Set(asked.mock.calls.flat())).toEqual(new Set(['a'.repeat(128)]));
    const delivery = (length: number) => exchange(eu.port, get(`/v1/deliveries/dlv_us-1_${'0'.repeat(length)}`, close));
    await delivery(128);
    await delivery(129);
    expect(us.api.flatMap(({ askedOwners }) => askedOwners)).toEqual([`delivery/dlv_us-1_${'0'.repeat(128)}`]);
  });
});
