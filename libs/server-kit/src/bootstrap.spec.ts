import { once } from 'node:events';
import { Writable } from 'node:stream';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { Body, Controller, Get, Inject, Module, Post, Req } from '@nestjs/common';
import { eventually } from '@parley/testing';
import {
  HTTP_LIMITS,
  Health,
  LOGGER,
  startService,
  type Logger,
  type RunningService,
  type ServiceOptions,
} from './index';

/** A promise that is resolved from outside. */
function deferred() {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve: () => resolve() };
}

/** A call that is answered when the test says so. */
const held = { arrived: deferred(), letGo: deferred() };

@Controller()
class EchoController {
  constructor(
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly health: Health,
  ) {}

  @Get('who')
  who(@Req() request: { ip: string }) {
    this.logger.info({ password: 'hunter2', headers: { 'x-auth-key': 'hunter2' }, sdp: 'v=0' }, 'asked');
    return { ip: request.ip, draining: this.health.isDraining };
  }

  @Get('held')
  async held() {
    const { arrived, letGo } = held;
    arrived.resolve();
    await letGo.promise;
    return { status: 'let go' };
  }

  @Post('echo')
  echo(@Body() body: unknown) {
    return { raw: Buffer.isBuffer(body), text: String(body) };
  }
}

@Module({ controllers: [EchoController] })
class EchoModule {}

class Lines extends Writable {
  readonly texts: string[] = [];
  override _write(chunk: Buffer, _encoding: string, done: () => void) {
    this.texts.push(chunk.toString());
    done();
  }
}

const config = {
  NODE_ENV: 'test',
  HOST: '127.0.0.1',
  PORT: 0,
  METRICS_PORT: 0,
  LOG_LEVEL: 'debug',
  TRUSTED_PROXIES: ['127.0.0.0/8'],
  SHUTDOWN_DELAY_MS: 0,
  PARLEY_INTERNAL_SECRET: 'x'.repeat(32),
} as const;

describe('startService', () => {
  const log = new Lines();
  const running: RunningService[] = [];
  const start = async (options: Partial<ServiceOptions> = {}) => {
    const service = await startService({
      name: 'echo',
      module: EchoModule,
      config,
      logTo: log,
      ownsProcess: false,
      ...options,
    });
    running.push(service);
    return service;
  };
  afterEach(async () => {
    await Promise.all(running.splice(0).map((service) => service.close()));
    log.texts.length = 0;
  });

  it('answers live and ready, and a failed check without its reason', async () => {
    const { url, health } = await start();
    health.tell('replica', 'gw-1');
    expect(await (await fetch(`${url}/health/live`)).json()).toEqual({ status: 'alive' });
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    health.register('db', () => Promise.reject(new Error('password hunter2 refused')));
    const answer = await fetch(`${url}/health/ready`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({
      service: 'echo',
      replica: 'gw-1',
      status: 'not_ready',
      checks: { db: 'failed' },
    });
  });

  it('says at level warn that a check fails, once, and nothing of each probe', async () => {
    const { url, health } = await start();
    health.register('db', () => Promise.reject(new Error('gone')));
    for (let probe = 0; probe < 3; probe += 1) expect((await fetch(`${url}/health/ready`)).status).toBe(503);
    await running[0]?.close();
    const noisy = log.texts.filter((line) => /"level":"(warn|error)"/.test(line));
    expect(noisy.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['health check fails']);
  });

  it('lets Nest speak under the name of the service, also of a second one in the process', async () => {
    await start({ name: 'first' });
    log.texts.length = 0;
    await start({ name: 'second' });
    const speakers = log.texts.map((line) => JSON.parse(line) as { service: string; context?: string });
    expect(speakers.filter(({ context }) => context !== undefined).length).toBeGreaterThan(0);
    expect(new Set(speakers.map(({ service }) => service))).toEqual(new Set(['second']));
  });

  it('closes what it opened when it cannot start', async () => {
    const { port } = await start();
    let released = 0;
    const release = async () => void (released += 1);
    await expect(start({ config: { ...config, PORT: port }, release })).rejects.toThrow('EADDRINUSE');
    expect(released).toBe(1);
    await expect(start({ module: undefined, build: () => Promise.reject(new Error('no')), release })).rejects.toThrow(
      'no',
    );
    expect(released).toBe(2);
  });

  it('believes X-Forwarded-For of trusted proxies only', async () => {
    const { url } = await start();
    const headers = { 'x-forwarded-for': '198.51.100.9, 203.0.113.7' };
    expect(await (await fetch(`${url}/who`, { headers })).json()).toMatchObject({ ip: '203.0.113.7' });
    const wary = await start({ config: { ...config, TRUSTED_PROXIES: [] } });
    expect(await (await fetch(`${wary.url}/who`, { headers })).json()).toMatchObject({ ip: '127.0.0.1' });
  });

  it('logs neither secrets nor queries', async () => {
    const { url } = await start();
    await fetch(`${url}/who?checksum=hunter2`, { headers: { authorization: 'Bearer hunter2', cookie: 'a=hunter2' } });
    await running[0]?.close();
    const text = log.texts.join('');
    expect(text).toContain('"path":"/who"');
    expect(text).toContain('"asked"');
    expect(text).not.toMatch(/hunter2|v=0/);
  });

  it('keeps a harmless request id and replaces any other', async () => {
    const { url } = await start();
    const answer = async (id: string) =>
      (await fetch(`${url}/who`, { headers: { 'x-request-id': id } })).headers.get('x-request-id');
    expect(await answer('abc-12345678')).toBe('abc-12345678');
    expect(await answer('x"; drop')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('hands raw bodies over with any Content-Type or none, and limits them', async () => {
    const { url, port } = await start({ body: 'raw', limits: { bodyBytes: 64 } });
    for (const headers of [{ 'content-type': 'application/json' }, { 'content-type': 'x/y' }]) {
      const answer = await fetch(`${url}/echo`, { method: 'POST', headers, body: '{"a":' });
      expect(await answer.json()).toEqual({ raw: true, text: '{"a":' });
    }
    const none = await exchange(
      port,
      'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi',
    );
    expect(none).toContain('{"raw":true,"text":"hi"}');
    expect((await fetch(`${url}/echo`, { method: 'POST', body: 'x'.repeat(65) })).status).toBe(413);
  });

  it('cuts off who sends headers too slowly', async () => {
    const { port } = await start({ limits: { headersTimeoutMs: 100, requestTimeoutMs: 200 } });
    expect(await exchange(port, 'GET /who HTTP/1.1\r\nHost:')).toContain('408');
    expect(HTTP_LIMITS.headersTimeoutMs).toBeLessThanOrEqual(HTTP_LIMITS.requestTimeoutMs);
  });

  it('ends without waiting for connections on which nothing was asked', async () => {
    const service = await start();
    const socket = connect(service.port, '127.0.0.1');
    await once(socket, 'connect');
    // The server has it: what was asked on a later connection is answered.
    await fetch(`${service.url}/who`);
    const began = performance.now();
    await service.close();
    expect(performance.now() - began).toBeLessThan(9_000);
    socket.destroy();
  });

  it('ends as soon as what is under way was answered, however long its connection would be kept', async () => {
    const service = await start();
    const agent = new Agent({ keepAlive: true });
    const answered = new Promise<number | undefined>((resolve, reject) => {
      const asked = get(`${service.url}/held`, { agent }, (answer) => resolve(answer.resume().statusCode));
      asked.on('error', reject);
    });
    await held.arrived.promise;
    const ended = service.close();
    const refused = () =>
      fetch(`${service.url}/who`).then(
        () => false,
        () => true,
      );
    await eventually(refused, 'further connections to be refused');
    const began = performance.now();
    held.letGo.resolve();
    expect(await answered).toBe(200);
    await ended;
    expect(performance.now() - began).toBeLessThan(30_000);
    agent.destroy();
  });

  it('ends in order: not ready, drain, close, release', async () => {
    const steps: string[] = [];
    const service: RunningService = await start({
      drain: async () => {
        const answer = await fetch(`${service.url}/health/ready`);
        steps.push(`drain ${answer.status} ${String(((await answer.json()) as { status: string }).status)}`);
      },
      release: async () => {
        steps.push(
          await fetch(`${service.url}/who`).then(
            () => 'open',
            () => 'closed',
          ),
        );
      },
    });
    await Promise.all([service.close(), service.close()]);
    expect(steps).toEqual(['drain 503 draining', 'closed']);
  });

  it('serves metrics on their own port, apart for two services in one process', async () => {
    const [one, two] = [await start(), await start({ name: 'other' })];
    one.metrics.counter('parley_test_total', { help: 'test' }).inc();
    const read = async (port?: number) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(await read(one.metricsPort)).toContain('parley_test_total{service="echo"} 1');
    expect(await read(two.metricsPort)).not.toContain('parley_test_total');
    expect((await fetch(`${one.url}/metrics`)).status).toBe(404);
  });
});

/** Writes raw bytes and answers all that came back until the other side closed. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => (received += chunk.toString()));
    socket.on('close', () => resolve(received)).on('error', reject);
  });
}
