import { createHmac, randomBytes } from 'node:crypto';
import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { DomainError } from '@parley/domain';
import type { Backend } from '@parley/persistence';
import { ACCEPTED, MAX_BACKEND_BODY_BYTES, type BackendRequest } from '@parley/protocol-spreed-signaling';
import { startService, type RunningService } from '@parley/server-kit';
import fc from 'fast-check';
import type { AddressedRoom } from '../backend-requests/addressed-room';
import { BackendRoomEndpoint } from '../backend-requests/backend-room.endpoint';
import type { BackendRequests } from '../backend-requests/backend-requests';
import { AttemptThrottle } from '../spreed/attempt-throttle';
import { ADDRESS_OF, BackendRoomController, checkBeforeReading } from './backend-room.controller';

const CLOUD = { id: 'cloud', urls: ['https://cloud.test/'], secret: 'first secret' };
const OTHER = { id: 'other', urls: ['https://other.test/talk/'], secret: 'second secret' };
const BODY = '{"type":"message","message":{"data":{"ä":1}}}';
const CHUNKED = { 'transfer-encoding': 'chunked', 'content-length': undefined };
const config = {
  NODE_ENV: 'test',
  HOST: '127.0.0.1',
  PORT: 0,
  METRICS_PORT: undefined,
  LOG_LEVEL: 'silent',
  TRUSTED_PROXIES: [],
  SHUTDOWN_DELAY_MS: 0,
  PARLEY_INTERNAL_SECRET: 'x'.repeat(32),
} as const;

/** Counts like the live layer, and can be out of order. */
class FakeGuards {
  readonly counts = new Map<string, number>();
  broken = false;

  async hits(scope: string) {
    if (this.broken) throw new DomainError('unavailable', 'away');
    return { count: this.counts.get(scope) ?? 0, resetsInMs: 0 };
  }

  async hit(scope: string) {
    this.counts.set(scope, (this.counts.get(scope) ?? 0) + 1);
    return this.hits(scope);
  }
}

interface Asked {
  readonly room: AddressedRoom;
  readonly request: BackendRequest;
}

let service: RunningService;
let guards: FakeGuards;
let asked: Asked[];
let fails: Error | undefined;

beforeAll(async () => {
  guards = new FakeGuards();
  asked = [];
  service = await startService({ name: 'signaling', config, ownsProcess: false, body: 'raw', build, configure });
});
beforeEach(() => {
  guards.counts.clear();
  guards.broken = false;
  asked.length = 0;
  fails = undefined;
});
afterAll(() => service?.close());

function build({ logger, errors }: { logger: RunningService['logger']; errors: RunningService['errors'] }) {
  const known = [CLOUD, OTHER] as unknown as Backend[];
  const endpoint = new BackendRoomEndpoint({
    backends: {
      byUrl: async (url) => known.find(({ urls }) => urls.includes(url)) ?? null,
      list: async () => known,
    },
    throttle: new AttemptThrottle(guards, 0),
    roomStore: { findOpen: async () => null },
    live: { nextOrder: async () => 1 },
    requests: {
      carryOut: async (room: AddressedRoom, request: BackendRequest) => {
        if (fails !== undefined) throw fails;
        asked.push({ room, request });
        return ACCEPTED;
      },
    } as unknown as BackendRequests,
    logger,
    errors,
  });
  return {
    module: class TestModule {},
    controllers: [BackendRoomController],
    providers: [
      { provide: BackendRoomEndpoint, useValue: endpoint },
      { provide: ADDRESS_OF, useValue: () => '192.0.2.1' },
    ],
  };
}

function configure(app: RunningService['app']): void {
  checkBeforeReading(app.getHttpAdapter().getInstance());
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

interface Given {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  readonly path?: string;
  readonly method?: string;
}

/** Sends these headers, with the body's length unless they say something about it. */
function post({ headers = {}, body = BODY, path = '/api/v1/room/token', method = 'POST' }: Given): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${service.url}${path}`, { method, agent: false });
    const length = 'content-length' in headers ? headers['content-length'] : Buffer.byteLength(body);
    for (const [name, value] of Object.entries({ ...headers, 'content-length': length })) {
      if (value !== undefined) request.setHeader(name, value);
    }
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      });
    });
    request.end(body);
  });
}

function signed(body: string | Buffer, { secret, url }: { secret: string; url?: string }): OutgoingHttpHeaders {
  const random = randomBytes(32).toString('hex');
  return {
    'content-type': 'application/json',
    'spreed-signaling-random': random,
    'spreed-signaling-checksum': createHmac('sha256', secret).update(random).update(body).digest('hex'),
    ...(url === undefined ? {} : { 'spreed-signaling-backend': url }),
  };
}

const asCloud = (body: string | Buffer) => signed(body, { secret: CLOUD.secret, url: 'https://cloud.test' });

describe('POST /api/v1/room/{id}', () => {
  test('is accepted with {}', async () => {
    const answer = await post({ headers: asCloud(BODY), path: '/api/v1/room/a%2Fb' });
    expect(answer).toMatchObject({ status: 200, body: '{}' });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
    expect(Math.abs(Date.parse(String(answer.headers.date)) - Date.now())).toBeLessThan(5_000);
    expect(asked).toMatchObject([
      { room: { token: 'a/b', tenant: 'backend:cloud' }, request: { type: 'message', data: { ä: 1 } } },
    ]);
  });

  test('the bytes are signed, not what they mean', async () => {
    const body = '{ "type" : "message", "message":{"data":1.0} }';
    expect(await post({ headers: asCloud(body), body })).toMatchObject({ status: 200 });
    expect(await post({ headers: asCloud(body), body: '{"type":"message","message":{"data":1}}' })).toMatchObject({
      status: 403,
    });
  });

  test.each([
    ['without headers', {}, 400, 'Unsupported Content-Type\n'],
    ['without signature', { 'content-type': 'application/json' }, 403, 'Authentication check failed\n'],
    ['as a form', { ...asCloud(BODY), 'content-type': 'text/plain' }, 400, 'Unsupported Content-Type\n'],
    ['with chunks', { ...asCloud(BODY), ...CHUNKED }, 411, 'Length required\n'],
  ] as const)('%s it is refused, and nobody is suspected', async (_name, headers, status, body) => {
    const answer = await post({ headers });
    expect(answer).toMatchObject({ status, body });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
    expect(guards.counts.size).toBe(0);
    expect(asked).toEqual([]);
  });

  test('256 KiB pass; one byte more is refused before it is sent', async () => {
    const frame = '{"type":"message","message":{"data":""}}';
    const body = frame.replace('""', `"${'x'.repeat(MAX_BACKEND_BODY_BYTES - frame.length)}"`);
    expect(body).toHaveLength(MAX_BACKEND_BODY_BYTES);
    expect(await post({ headers: asCloud(body), body })).toMatchObject({ status: 200 });
    const announced = { ...asCloud(BODY), 'content-length': MAX_BACKEND_BODY_BYTES + 1 };
    const answer = await post({ headers: announced, body: '' }).catch((error: unknown) => error);
    expect(answer).toMatchObject({ status: 413, body: 'Request entity too large\n' });
  });

  test('wrong checksums count against the address at that backend, invented backends together; the tenth blocks', async () => {
    const wrong = signed(BODY, { secret: 'guessed', url: 'https://cloud.test/' });
    const stranger = signed(BODY, { secret: CLOUD.secret, url: 'https://stranger.test/' });
    const foreign = signed(BODY, { secret: OTHER.secret, url: 'https://cloud.test/' });
    for (const headers of [wrong, stranger, foreign]) {
      expect(await post({ headers })).toMatchObject({ status: 403, body: 'Authentication check failed\n' });
    }
    for (let n = 2; n < 10; n += 1) expect(await post({ headers: wrong })).toMatchObject({ status: 403 });
    for (const headers of [asCloud(BODY), wrong])
      expect(await post({ headers })).toMatchObject({ status: 429, body: 'Too many requests\n' });
    expect(asked).toEqual([]);
    // Another tenant behind the same address goes on.
    expect(await post({ headers: signed(BODY, { secret: OTHER.secret, url: OTHER.urls[0] }) })).toMatchObject({
      status: 200,
    });
    for (let n = 1; n < 10; n += 1) {
      const invented = signed(BODY, { secret: 'guessed', url: `https://stranger-${n}.test/` });
      expect(await post({ headers: invented })).toMatchObject({ status: 403 });
    }
    expect(await post({ headers: signed(BODY, { secret: 'guessed', url: 'https://new.test/' }) })).toMatchObject({
      status: 429,
    });
    expect(await post({ headers: signed(BODY, { secret: OTHER.secret }) })).toMatchObject({ status: 429 });
  });

  test('who names no backend is recognised by its secret', async () => {
    expect(await post({ headers: signed(BODY, { secret: OTHER.secret }) })).toMatchObject({ status: 200 });
    expect(asked[0]?.room.tenant).toBe('backend:other');
    expect(await post({ headers: signed(BODY, { secret: 'third' }) })).toMatchObject({ status: 403 });
  });

  test('of guesses that come at once ten are answered, a right one too late is not among them', async () => {
    const guess = (secret: string) => post({ headers: signed(BODY, { secret, url: 'https://cloud.test/' }) });
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => guess(`guess ${n}`)));
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(50);
    expect(await guess(CLOUD.secret)).toMatchObject({ status: 429 });
    expect(asked).toEqual([]);
  });

  test.each([
    ['no json', 'Could not read body\n'],
    ['', 'Could not read body\n'],
    ['{"type":"invite"}', 'Could not read body\n'],
    ['{"type":"lala"}', 'Unsupported request type: lala\n'],
  ])('authentic but not understood: %p', async (body, text) => {
    expect(await post({ headers: asCloud(body), body })).toMatchObject({ status: 400, body: text });
  });

  test('what goes wrong inside is a 500 that says nothing', async () => {
    guards.broken = true;
    expect(await post({ headers: asCloud(BODY) })).toMatchObject({
      status: 500,
      body: 'Could not check for bruteforce\n',
    });
    guards.broken = false;
    for (fails of [new DomainError('unavailable', 'redis://secret'), new Error('secret')]) {
      expect(await post({ headers: asCloud(BODY) })).toMatchObject({ status: 500, body: 'Error while processing\n' });
    }
  });

  test('other methods do not exist', async () => {
    expect(await post({ method: 'GET', body: '' })).toMatchObject({ status: 404 });
    expect(await post({ method: 'PUT', headers: asCloud(BODY) })).toMatchObject({ status: 404 });
  });

  test('whatever is posted is answered as one of the known answers', async () => {
    const statuses = new Set([200, 400, 403, 411, 413]);
    const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
    const header = fc.stringMatching(/^[\x21-\x7e]{1,40}$/);
    const headers = fc.record({
      'content-type': maybe(fc.oneof(fc.constant('application/json'), header)),
      'spreed-signaling-backend': maybe(fc.oneof(fc.constantFrom(...CLOUD.urls, ...OTHER.urls), header)),
      'spreed-signaling-random': maybe(header),
      'spreed-signaling-checksum': maybe(header),
    });
    const requests = fc.tuple(headers, fc.boolean(), fc.oneof(fc.json(), fc.uint8Array().map(Buffer.from)));
    await fc.assert(
      fc.asyncProperty(requests, async ([given, isSigned, body]) => {
        guards.counts.clear();
        const answer = await post({ headers: isSigned ? { ...given, ...asCloud(body) } : given, body });
        expect(statuses).toContain(answer.status);
        expect(answer.headers.date).toBeDefined();
      }),
      { numRuns: 150 },
    );
  });
});
