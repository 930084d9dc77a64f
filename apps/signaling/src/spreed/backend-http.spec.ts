import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Backend } from '@parley/persistence';
import { Metrics } from '@parley/server-kit';
import { BackendHttp } from './backend-http';

// The rest of a backend does not matter here.
const BACKEND = { id: 'cloud', allowPrivate: ['127.0.0.0/8'] } as unknown as Backend;
const POST = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' } as const;
let server: Server;
let base: string;
let http: BackendHttp;
const seen: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    void textOf(request).then((body) => {
      seen.push(`${request.method} ${request.url} ${body}`);
      const [, status, location] = /^\/(30\d)\?to=(.*)$/.exec(request.url ?? '') ?? [];
      if (status !== undefined && location !== undefined) {
        return response.writeHead(Number(status), { location: decodeURIComponent(location) }).end();
      }
      if (request.url === '/html') return response.writeHead(200, { 'content-type': 'text/html' }).end('<p>');
      if (request.url === '/long')
        return response.writeHead(200, { 'content-type': 'application/json' }).end(' '.repeat(2e6));
      return response
        .writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
        .end(JSON.stringify({ body }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  http = new BackendHttp(new Metrics('test'), 2_000);
});
beforeEach(() => void seen.splice(0));
afterAll(async () => {
  await http?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
  return text;
}

const redirect = (status: number, to: string) =>
  http.send(BACKEND, `${base}/${status}?to=${encodeURIComponent(to)}`, POST);

it('follows a redirect of the same host; 307 keeps the body', async () => {
  expect((await redirect(307, '/there')).json).toBe('{"body":"{\\"a\\":1}"}');
  expect(seen[1]).toBe('POST /there {"a":1}');
});

it('302 drops the body', async () => {
  expect((await redirect(302, `${base}/there`)).json).toBe('{"body":""}');
  expect(seen[1]).toBe('GET /there ');
});

it('another host, port or scheme is refused, and so are circles', async () => {
  const elsewhere = [
    'https://other.test/',
    base.replace('127.0.0.1', 'localhost'),
    base.replace('http:', 'https:'),
    'http://[',
  ];
  for (const to of elsewhere) await expect(redirect(307, to)).rejects.toThrow(/another origin/);
  const circle = encodeURIComponent('/there');
  await expect(redirect(307, `/307?to=${circle}`)).resolves.toMatchObject({ status: 200 });
  let nested = '/end';
  for (let hops = 0; hops < 12; hops += 1) nested = `/307?to=${encodeURIComponent(nested)}`;
  await expect(http.send(BACKEND, `${base}${nested}`, POST)).rejects.toThrow(/circles/);
});

it('what is no JSON is no answer; what is too long neither', async () => {
  expect((await http.send(BACKEND, `${base}/html`, POST)).json).toBeUndefined();
  await expect(http.send(BACKEND, `${base}/long`, POST)).rejects.toThrow(/too long/);
});

it('plain http goes only where the operator allowed it', async () => {
  for (const allowPrivate of [[], ['10.0.0.0/8']]) {
    await expect(http.send({ ...BACKEND, id: 'x', allowPrivate }, `${base}/`, POST)).rejects.toThrow();
  }
  expect(seen).toEqual([]);
});
