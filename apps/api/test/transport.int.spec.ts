import { connect } from 'node:net';
import { eventually } from '@parley/testing';
import * as fc from 'fast-check';
import {
  backEnd,
  type Envelope,
  legacyHeaders,
  newRandom,
  signedHeaders,
  startTestApi,
  type TestApi,
} from './running-api';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ API_NONCE_LIMIT: '40' });
});
afterAll(() => api.close());

const LIST = JSON.stringify({ method: 'list' });

/** Sends any request and insists on an envelope. */
async function send(init: RequestInit & { path?: string } = {}): Promise<{ status: number } & Envelope> {
  const { path = '/api/room', ...rest } = init;
  const response = await fetch(`${api.url}${path}`, { method: 'POST', body: LIST, ...rest });
  return { status: response.status, ...assertEnvelope(await response.text()) };
}

/** Speaks bytes; answers all that came back until the connection was closed. `hangUp`: says no more after them. */
async function raw(bytes: string | Uint8Array, hangUp = false): Promise<string> {
  const { hostname, port } = new URL(api.url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => (hangUp ? socket.end(bytes) : socket.write(bytes)));
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    // Being cut off is an end, too; what was answered before counts.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}

function assertEnvelope(text: string): Envelope {
  const envelope = JSON.parse(text) as Envelope;
  expect(Object.keys(envelope)).toEqual(['isError', 'errMsg', 'data']);
  if (envelope.isError)
    expect(envelope).toEqual({ isError: true, errMsg: expect.stringMatching(/.+/) as unknown, data: null });
  else expect(envelope.errMsg).toBeNull();
  return envelope;
}

/** Several answers may stand in one stream; the first one counts for a client. */
function firstEnvelope(answer: string): { status: number } & Envelope {
  const [, status = '', body = ''] = /^HTTP\/1\.1 (\d{3})[\s\S]*?\r\n\r\n(\{.*?\})(?:HTTP|$)/.exec(answer) ?? [];
  return { status: Number(status), ...assertEnvelope(body) };
}

describe('the legacy key', () => {
  it('opens for an account that may use it, once per x-random', async () => {
    const headers = legacyHeaders(api.demo);
    expect(await send({ headers })).toMatchObject({ status: 200, isError: false });
    expect(await send({ headers })).toMatchObject({
      status: 401,
      errMsg: expect.stringContaining('used before') as unknown,
    });
  });

  it('is no use to an account that has to sign', async () => {
    expect(await send({ headers: legacyHeaders(api.other) })).toMatchObject({ status: 401 });
  });

  it('does not use the x-random up when it is wrong', async () => {
    const random = newRandom();
    expect(await send({ headers: legacyHeaders({ ...api.demo, secret: 'wrong' }, random) })).toMatchObject({
      status: 401,
    });
    expect(await send({ headers: legacyHeaders(api.demo, random) })).toMatchObject({ status: 200 });
  });

  it('with a signature beside it is refused when that is wrong', async () => {
    const headers = {
      ...legacyHeaders(api.demo),
      'x-timestamp': String(Math.floor(Date.now() / 1000)),
      'x-signature': '0'.repeat(64),
    };
    expect(await send({ headers })).toMatchObject({ status: 401 });
  });

  it('that was sent at once several times opens once', async () => {
    const headers = legacyHeaders(api.demo);
    const statuses = await Promise.all(Array.from({ length: 6 }, async () => (await send({ headers })).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  });
});

describe('the signature', () => {
  it('opens once, for this body, at this time', async () => {
    const headers = signedHeaders(api.other, '/api/room', LIST);
    expect(await send({ headers, body: `${LIST} ` })).toMatchObject({ status: 401 });
    expect(await send({ headers, path: '/api/booking' })).toMatchObject({ status: 401 });
    expect(await send({ headers })).toMatchObject({ status: 200 });
    expect(await send({ headers })).toMatchObject({ status: 401 });
    const late = signedHeaders(api.other, '/api/room', LIST, Date.now() - 400_000);
    expect(await send({ headers: late })).toMatchObject({
      status: 401,
      errMsg: expect.stringContaining('x-timestamp') as unknown,
    });
  });
});

describe('refusals before an operation', () => {
  it('missing or unknown version: 400', async () => {
    const { 'x-api-version': _version, ...without } = legacyHeaders(api.demo);
    expect(await send({ headers: without })).toMatchObject({ status: 400 });
    expect(await send({ headers: { ...legacyHeaders(api.demo), 'x-api-version': '3' } })).toMatchObject({
      status: 400,
    });
  });

  it('missing credentials, short x-random, unknown id: 401', async () => {
    expect(await send({ headers: { 'x-api-version': '2' } })).toMatchObject({ status: 401 });
    expect(await send({ headers: legacyHeaders(api.demo, 'short') })).toMatchObject({ status: 401 });
    expect(await send({ headers: legacyHeaders({ authId: 'nobody', secret: 'x' }) })).toMatchObject({ status: 401 });
  });

  it('unreadable body: 400', async () => {
    for (const body of ['', '{', '[]', '"x"', '{"method":5}', '{"method":"list","data":[]}']) {
      expect(await send({ headers: legacyHeaders(api.demo), body })).toMatchObject({ status: 400 });
    }
  });

  it('unknown collection: 404, another method: 405, too large: 413, impossible path: 400', async () => {
    expect(await send({ path: '/api/nothing' })).toMatchObject({ status: 404 });
    expect(await send({ path: '/api' })).toMatchObject({ status: 404 });
    expect(await send({ path: '/api/room/more' })).toMatchObject({ status: 404 });
    expect(await send({ method: 'GET', body: null })).toMatchObject({ status: 405 });
    expect(await send({ method: 'DELETE', body: null })).toMatchObject({ status: 405 });
    expect(await send({ body: 'x'.repeat(70_000) })).toMatchObject({ status: 413 });
    expect(await send({ path: '/api/%zz' })).toMatchObject({ status: 400 });
  });
});

describe('habits of the public wrappers', () => {
  const request = (headers: Record<string, string>, body: string, length = Buffer.byteLength(body)) =>
    ['POST /api/room HTTP/1.1', 'host:x', ...Object.entries(headers).map(([name, value]) => `${name}:${value}`)]
      .concat(`content-length:${length}`, 'connection:close', '', body)
      .join('\r\n');

  it('C#: no Content-Type; PHP: no space after the colon and data null', async () => {
    const answer = await raw(request(legacyHeaders(api.demo), '{"method":"list","data":null}'));
    expect(firstEnvelope(answer)).toMatchObject({ status: 200, isError: false });
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', 'nonsense'])(
    'Content-Type %s is not looked at',
    async (type) => {
      const headers = { ...legacyHeaders(api.demo), 'content-type': type };
      expect(await send({ headers })).toMatchObject({ status: 200, isError: false });
    },
  );

  it('node: a Content-Length in characters cuts the body off; the first answer is an envelope', async () => {
    const body = '{"method":"init","data":{"id":"demo.example/größe-für-bücher"}}';
    const answer = await raw(request(legacyHeaders(api.demo), body, body.length));
    expect(firstEnvelope(answer)).toMatchObject({ status: 400, isError: true });
  });

  it('a body that ends early is refused, not waited for without end', async () => {
    const answer = await raw(request(legacyHeaders(api.demo), '{"method":', 100), true);
    expect(firstEnvelope(answer)).toMatchObject({ status: 400 });
    expect(await send({ headers: legacyHeaders(api.demo) })).toMatchObject({ status: 200 });
  });
});

describe('limits', () => {
  it('429 when too many x-random values are remembered, with the time to wait', async () => {
    const call = backEnd(api.url, api.other);
    let last = await call('room/list');
    for (let sent = 0; sent < 40 && last.status === 200; sent += 1) last = await call('room/list');
    expect(last).toMatchObject({ status: 429, isError: true });
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('429 when an account makes too many calls', async () => {
    const strict = await api.another({ API_CALLS_PER_MINUTE: '1', API_NONCE_LIMIT: '1000' });
    const call = backEnd(strict.url, api.demo);
    // Earlier tests called as well, and their minute may end between two calls.
    await eventually(async () => (await call('room/list')).status === 429, 'a call too many to be refused');
    await strict.close();
  });
});

describe('wrong credentials', () => {
  it('from one address are 429 after a while, with the time to wait; other addresses are still heard', async () => {
    const strict = await api.another({ API_FAILURES_PER_MINUTE_PER_ADDRESS: '2', API_NONCE_LIMIT: '1000' });
    const call = async (address: string, secret: string) => {
      const headers = { ...legacyHeaders({ ...api.demo, secret }), 'x-forwarded-for': address };
      const response = await fetch(`${strict.url}/api/room`, { method: 'POST', headers, body: LIST });
      return { status: response.status, wait: response.headers.get('retry-after'), text: await response.text() };
    };
    const network = '2001:db8:7:7';
    for (const host of [1, 2]) expect((await call(`${network}::${host}`, 'wrong')).status).toBe(401);
    const refused = await call(`${network}::3`, 'wrong');
    expect(refused.status).toBe(429);
    expect(Number(refused.wait)).toBeGreaterThan(0);
    expect(assertEnvelope(refused.text).isError).toBe(true);
    expect((await call('2001:db8:7:8::1', api.demo.secret)).status).toBe(200);
    await strict.close();
  });
});

describe('hostile input to the running service', () => {
  it('is answered by an envelope whatever the body is', async () => {
    const { another } = api;
    const open = await another({ API_NONCE_LIMIT: '100000' });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('room', 'booking', 'webhook'),
        fc.uint8Array({ maxLength: 200 }),
        async (collection, body) => {
          const response = await fetch(`${open.url}/api/${collection}`, {
            method: 'POST',
            headers: legacyHeaders(api.demo),
            body,
          });
          assertEnvelope(await response.text());
          expect([200, 400]).toContain(response.status);
        },
      ),
      { numRuns: 60 },
    );
    await open.close();
  });

  it('never brings it down, whatever the bytes are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        await raw(bytes, true);
      }),
      { numRuns: 60 },
    );
    expect((await fetch(`${api.url}/health/live`)).status).toBe(200);
  });
});

describe('outages', () => {
  it('503 while Redis is away, and back again afterwards', async () => {
    const call = backEnd(api.url, api.demo);
    await api.redis.kill();
    expect(await call('room/list')).toMatchObject({ status: 503, isError: true });
    expect((await fetch(`${api.url}/health/ready`)).status).toBe(503);
    // It is Redis that has to be started again, not this.
    expect((await fetch(`${api.url}/health/live`)).status).toBe(200);
    await api.redis.restart();
    let status = 0;
    await eventually(
      async () => (status = (await call('room/list')).status) === 200,
      () => `calls to work again; the last one was answered ${status}`,
      20_000,
    );
  });
});
