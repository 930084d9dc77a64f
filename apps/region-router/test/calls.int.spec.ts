import { createServer } from 'node:net';
import { once } from 'node:events';
import { numericId } from '@parley/domain';
import { InternalAuth } from '@parley/server-kit';
import { eventually } from '@parley/testing';
import { exchange } from './fake-services';
import { call, saidTo, seenBy, startTwoRegions, type TwoRegions } from './two-regions';

const init = (id: string) => ({ method: 'init', data: { id } });
const random = 'r'.repeat(32);

describe('xroom calls through the front door', () => {
  let regions: TwoRegions;
  beforeEach(async () => {
    await start();
  });
  afterEach(() => regions.close());
  const start = async (bodyMs?: number) => {
    regions = await startTwoRegions({ times: { bodyMs } });
    regions.know('eu.example', { region: 'eu-1' });
    regions.know('us.example', { region: 'us-1' });
    regions.know('strict.example', { region: 'us-1', strict: true });
  };

  it('reach an api replica of the home region, in turns', async () => {
    const { eu } = regions;
    for (let turn = 0; turn < 4; turn += 1) expect((await call(eu, init('eu.example/r'))).status).toBe(200);
    expect(eu.api.map(({ seen }) => seen.length)).toEqual([2, 2]);
  });

  it('arrive untouched: header case, order and repetitions, no Content-Type, the exact bytes', async () => {
    const { eu } = regions;
    const body = '{"method":"init", "data":{"id":"eu.example/ü"}}';
    const length = Buffer.byteLength(body);
    const head = `POST /api/room?q=%20 HTTP/1.1\r\nHost: front\r\nX-Random:${random}\r\nx-AUTH-id: a\r\nX-Twice: 1\r\nX-Twice: 2\r\nContent-Length: ${length}\r\nConnection: close, x-Private\r\nX-Private: 1\r\n\r\n`;
    const answer = await exchange(eu.port, Buffer.from(head + body));
    expect(answer).toContain('HTTP/1.1 200 OK');
    const [seen] = seenBy(eu);
    expect(seen?.body).toBe(body);
    expect(seen?.target).toBe('/api/room?q=%20');
    const raw = seen?.rawHeaders ?? [];
    const first = raw.indexOf('X-Random');
    expect(raw.slice(first, first + 8)).toEqual(['X-Random', random, 'x-AUTH-id', 'a', 'X-Twice', '1', 'X-Twice', '2']);
    expect(seen?.headers).not.toHaveProperty('content-type');
    expect(seen?.headers).not.toHaveProperty('x-private');
    expect(seen?.headers).toMatchObject({
      host: 'front',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'front',
      'x-forwarded-proto': 'http',
    });
  });

  it('reach another home region in one hop, whose answer comes back as it is', async () => {
    const { eu, us } = regions;
    us.api.forEach(
      (api) => (api.answer = (_seen, response) => response.writeHead(401, { 'x-mine': 'yes' }).end('{"isError":true}')),
    );
    const answer = await call(eu, init('us.example/r'), { 'x-random': random });
    expect([answer.status, answer.headers.get('x-mine'), answer.headers.get('x-home-region')]).toEqual([
      401,
      'yes',
      'us-1',
    ]);
    expect(seenBy(eu)).toEqual([]);
    expect(seenBy(us)[0]?.headers).toMatchObject({ 'x-random': random, 'x-forwarded-for': '127.0.0.1' });
    // What eu-1 signed stays between routers; us-1 tells its own api what it knows itself.
    expect(saidTo(seenBy(us)[0])).toMatchObject({ from: 'region-router@us-1', says: { domain: 'us.example' } });
  });

  it('are found by explicit domain, by registered host and by id as well', async () => {
    const { eu, us } = regions;
    eu.directory.hosts.set('rooms.customer.example', 'us.example');
    await call(eu, 'not json', { 'x-parley-domain': 'us.example' });
    const body = JSON.stringify(init('unknown.example/r'));
    await exchange(
      eu.port,
      `POST /api/room HTTP/1.1\r\nHost: rooms.customer.example\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await call(eu, { method: 'remove', data: { id: numericId(5, 2) } }, {}, 'webhook');
    expect(
      seenBy(us)
        .map((seen) => seen.target)
        .sort(),
    ).toEqual(['/api/room', '/api/room', '/api/webhook']);
    expect(seenBy(eu)).toEqual([]);
  });

  it('stay here when nobody knows the domain or the body cannot be read', async () => {
    const { eu, us } = regions;
    await call(eu, init('nobody.example/r'));
    await call(eu, '{"method":"init","data":{"id":"us.exa');
    expect([seenBy(eu).length, seenBy(us).length]).toEqual([2, 0]);
  });

  it.each([
    ['go where the account is known, which can say so', false, 200, 1],
    ['go no further than to the border of strictly resident domains, of which it may be a new one', true, 421, 0],
  ])('of a domain that nobody knows %s', async (_what, strict, status, arrived) => {
    const { eu, us } = regions;
    for (const { directory } of [eu, us]) {
      directory.accounts.set('acc', ['us-1']);
      if (!strict) directory.domains.delete('strict.example');
    }
    const answer = await call(eu, init('nobody.example/r'), { 'x-auth-id': 'acc' });
    expect([answer.status, answer.headers.get('x-home-region')]).toEqual([status, 'us-1']);
    expect([seenBy(eu).length, seenBy(us).length]).toEqual([0, arrived]);
  });

  it('never make a second hop: two regions that disagree get 508', async () => {
    const { eu, us } = regions;
    us.directory.domains.set('us.example', { region: 'eu-1' });
    const answer = await call(eu, init('us.example/r'));
    expect(answer.status).toBe(508);
    expect(answer.body).toMatchObject({ isError: true, data: null });
    // us-1 says what it knows; eu-1 does not add that it thinks otherwise.
    expect(answer.headers.get('x-home-region')).toBe('eu-1');
    expect([...seenBy(eu), ...seenBy(us)]).toEqual([]);
  });

  it('do not believe a hop header of a stranger', async () => {
    const { eu } = regions;
    const forged = new InternalAuth('f'.repeat(32));
    const sign = { method: 'POST', path: '/api/room', from: 'x', hops: 0 };
    const answer = await call(eu, init('us.example/r'), { 'x-parley-internal': forged.sign(sign, new Date()) });
    expect(answer.status).toBe(400);
    expect(answer.body.isError).toBe(true);
  });

  it('of a strictly resident domain get 421 with its home and leave no byte here', async () => {
    const { eu, us } = regions;
    const secret = 'do-not-let-this-out';
    const body = { method: 'init', data: { id: 'strict.example/r', key: secret } };
    const ways: Record<string, string>[] = [
      {},
      { 'x-parley-domain': 'strict.example' },
      { 'x-parley-domain': 'us.example' },
    ];
    for (const headers of ways) {
      const answer = await call(eu, body, headers);
      expect(answer.status).toBe(421);
      expect(answer.headers.get('x-home-host')).toBe(new URL(us.url).host);
      expect(answer.body.errMsg).toContain(us.url);
    }
    expect([...seenBy(eu), ...seenBy(us)]).toEqual([]);
    expect(eu.log.join('')).not.toMatch(/do-not-let-this-out|strict\.example/);
    expect((await call(us, body)).status).toBe(200);
  });

  it('larger than 64 KiB get 413, announced or not', async () => {
    const { eu } = regions;
    const head = 'POST /api/room HTTP/1.1\r\nHost: x\r\n';
    const announced = await exchange(eu.port, `${head}Content-Length: 65537\r\n\r\n`);
    const chunk = 'x'.repeat(70_000);
    const chunked = await exchange(
      eu.port,
      `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.length.toString(16)}\r\n${chunk}\r\n`,
    );
    for (const answer of [announced, chunked]) expect(answer).toMatch(/^HTTP\/1.1 413 [\s\S]*"isError":true/);
    expect(seenBy(eu)).toEqual([]);
    const most = JSON.stringify({ ...init('eu.example/r'), pad: '' });
    expect((await call(eu, most.replace('"pad":""', `"pad":"${'x'.repeat(65_536 - most.length)}"`))).status).toBe(200);
  });

  it('that stop half-way get 408, or nothing when the caller hung up', async () => {
    const half = 'POST /api/room HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"method":';
    await exchange(regions.eu.port, half, { end: true });
    expect(seenBy(regions.eu)).toEqual([]);
    expect((await call(regions.eu, init('eu.example/r'))).status).toBe(200);
    await regions.close();
    await start(1_000);
    const { eu } = regions;
    expect(await exchange(eu.port, half)).toMatch(/^HTTP\/1.1 408 [\s\S]*"isError":true/);
    expect(seenBy(eu)).toEqual([]);
    await eventually(async () => (await call(eu, init('eu.example/r'))).status === 200, 'whole ones to be served');
  });

  it('with two hosts are refused, and no replica is blamed', async () => {
    const { eu } = regions;
    const body = JSON.stringify(init('eu.example/r'));
    const head = `POST /api/room HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\nContent-Length: ${body.length}`;
    const answer = await exchange(eu.port, `${head}\r\n\r\n${body}`);
    expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*"isError":true/);
    expect(seenBy(eu)).toEqual([]);
    expect(eu.log.join('')).not.toContain('replica is down');
    expect((await call(eu, init('eu.example/r'))).status).toBe(200);
  });

  it('that are no requests at all are refused, and the router lives on', async () => {
    const { eu } = regions;
    expect(await exchange(eu.port, 'GARBAGE\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400 [\s\S]*problem\+json[\s\S]*"isError":true/,
    );
    const head = `POST /api/room HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`;
    expect(await exchange(eu.port, head)).toMatch(/^HTTP\/1.1 431 /);
    const path = 'POST /api/%zz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n';
    expect(await exchange(eu.port, path)).toMatch(/^HTTP\/1.1 400 [\s\S]*"isError":true/);
    expect((await call(eu, init('eu.example/r'))).status).toBe(200);
  });

  it('go to the other replica when one refuses, and get an envelope with 503 when all do', async () => {
    const { eu } = regions;
    await eu.api[0].kill();
    for (let turn = 0; turn < 3; turn += 1) expect((await call(eu, init('eu.example/r'))).status).toBe(200);
    await eu.api[1].kill();
    const answer = await call(eu, init('eu.example/r'));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(answer.body).toMatchObject({ isError: true, data: null });
  });

  it('are never sent twice once a byte was sent', async () => {
    const { eu } = regions;
    eu.api.forEach((api) => (api.answer = (_seen, response) => response.destroy()));
    expect((await call(eu, init('eu.example/r'))).status).toBe(503);
    expect(seenBy(eu)).toHaveLength(1);
  });

  it('get 503 with the home region while that is down', async () => {
    const { eu, us } = regions;
    await us.router.close();
    const answer = await call(eu, init('us.example/r'));
    expect([answer.status, answer.headers.get('x-home-region'), answer.headers.get('retry-after')]).toEqual([
      503,
      'us-1',
      '5',
    ]);
    expect(answer.body.isError).toBe(true);
  });

  it('use what was known while the directory is down, and say so for what was not', async () => {
    const { eu, us } = regions;
    await call(eu, init('us.example/r'));
    eu.directory.down = true;
    await call(eu, init('us.example/r'));
    expect(seenBy(us)).toHaveLength(2);
    expect((await call(eu, init('other.example/r'))).status).toBe(503);
    expect((await call(eu, { method: 'remove', data: { id: numericId(5, 2) } }, {}, 'webhook')).status).toBe(200);
  });

  it('answer a broken upstream body by breaking off, not by waiting', async () => {
    const { eu } = regions;
    eu.api.forEach((api) => {
      api.answer = (_seen, response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('{"half":');
        setImmediate(() => response.destroy());
      };
    });
    await expect(call(eu, init('eu.example/r'))).rejects.toThrow();
  });

  it('to join go the same way, refused as problems', async () => {
    const { eu, us } = regions;
    const join = async (room: string) =>
      fetch(`${eu.url}/join`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ room }),
      });
    expect((await join('us.example/r')).status).toBe(200);
    expect(seenBy(us)[0]?.target).toBe('/join');
    const strict = await join('strict.example/r');
    expect([strict.status, strict.headers.get('content-type')]).toEqual([421, 'application/problem+json']);
    expect(await strict.json()).toMatchObject({ code: 'wrong_region', status: 421 });
  });
});

it('routers with different secrets do not send a call round', async () => {
  const regions = await startTwoRegions({ secrets: { 'eu-1': 'a'.repeat(32), 'us-1': 'b'.repeat(32) } });
  regions.eu.directory.domains.set('x.example', { region: 'us-1' });
  regions.us.directory.domains.set('x.example', { region: 'eu-1' });
  expect((await call(regions.eu, init('x.example/r'))).status).toBe(400);
  await regions.close();
});

it('a strictly resident call sends its home region nothing, not even a connection', async () => {
  const told: string[] = [];
  const regions = await startTwoRegions();
  regions.know('strict.example', { region: 'us-1', strict: true });
  await regions.us.router.close();
  // The same address, now listened to by something that notices every connection.
  const spy = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      told.push(chunk.toString().split(' HTTP/', 1)[0] ?? '');
      socket.destroy();
    });
  }).listen(regions.us.port, '127.0.0.1');
  await once(spy, 'listening');
  try {
    expect((await call(regions.eu, init('strict.example/r'))).status).toBe(421);
    // Whether the region is there at all is asked all the time, whatever is called.
    expect(told.filter((each) => !/^GET \/(ping|health\/region)$/.test(each))).toEqual([]);
  } finally {
    await new Promise((resolve) => spy.close(resolve));
    await regions.close();
  }
});
