import type { Backend } from '@parley/persistence';
import type { Logger } from '@parley/server-kit';
import type { BackendAnswer, BackendHttp, BackendRequestOptions } from './backend-http';
import { Capabilities } from './capabilities';

const BASE = 'https://cloud.test/';
// Nothing else of a backend matters here.
const BACKEND = { id: 'cloud', allowPrivate: [] as readonly string[] } as Backend;
const logger = { warn: () => undefined } as unknown as Logger;

/** A Nextcloud that answers what it is told, and a clock that stands still. */
class World {
  now = Date.parse('2026-01-01T00:00:00Z');
  asked: BackendRequestOptions[] = [];
  features = ['one'];
  headers: Record<string, string> = {};
  fails = false;
  readonly capabilities = new Capabilities({
    http: { send: (...args: Parameters<BackendHttp['send']>) => this.answer(...args) } as BackendHttp,
    clock: { now: () => new Date(this.now) },
    logger,
    version: '1',
  });

  known(): Promise<readonly string[] | undefined> {
    return this.capabilities.of(BACKEND, BASE).then((known) => known?.features);
  }

  later(seconds: number): void {
    this.now += seconds * 1_000;
  }

  private async answer(_: Backend, url: string, options: BackendRequestOptions): Promise<BackendAnswer> {
    expect(url).toBe(`${BASE}ocs/v2.php/cloud/capabilities`);
    expect(options.headers).toMatchObject({ 'ocs-apirequest': 'true' });
    this.asked.push(options);
    if (this.fails) throw new Error('out of reach');
    const { etag } = this.headers;
    if (etag !== undefined && options.headers['if-none-match'] === etag) {
      return { status: 304, headers: this.headers, json: undefined };
    }
    const spreed = { features: this.features, config: { signaling: { 'session-ping-limit': 20 } } };
    const json = JSON.stringify({ ocs: { data: { capabilities: { spreed } } } });
    return { status: 200, headers: this.headers, json };
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

it.each([
  ['nothing said', {}, 60],
  ['no-cache', { 'cache-control': 'no-cache' }, 60],
  ['a short age', { 'cache-control': 'max-age=5' }, 60],
  ['a long age', { 'cache-control': 'public, max-age=300' }, 300],
])('%s: held for as long as it may be', async (_, headers, seconds) => {
  world.headers = headers;
  expect(await world.known()).toEqual(['one']);
  world.features = ['two'];
  world.later(seconds - 1);
  expect(await world.known()).toEqual(['one']);
  expect(world.asked).toHaveLength(1);
  world.later(2);
  expect(await world.known()).toEqual(['two']);
});

it('is revalidated by its ETag', async () => {
  world.headers = { etag: '"v1"' };
  await world.known();
  world.later(61);
  expect(await world.known()).toEqual(['one']);
  expect(world.asked[1]?.headers['if-none-match']).toBe('"v1"');
  world.later(59);
  await world.known();
  expect(world.asked).toHaveLength(2);
});

it('an outage is survived with what is known, unless it must be revalidated', async () => {
  await world.known();
  world.fails = true;
  world.later(61);
  expect(await world.known()).toEqual(['one']);
  world.fails = false;
  world.features = ['two'];
  expect(await world.known()).toEqual(['one']); // the next look waits a little
  world.later(6);
  expect(await world.known()).toEqual(['two']);

  world.headers = { 'cache-control': 'max-age=0, must-revalidate' };
  world.later(61);
  await world.known();
  world.fails = true;
  world.later(61);
  expect(await world.known()).toBeUndefined();
});

it('those who ask at once share one request', async () => {
  await Promise.all(Array.from({ length: 10 }, () => world.known()));
  expect(world.asked).toHaveLength(1);
  world.later(61);
  await Promise.all(Array.from({ length: 10 }, () => world.known()));
  expect(world.asked).toHaveLength(2);
});

it('a look can be forced, once a minute', async () => {
  await world.known();
  world.features = ['two'];
  expect((await world.capabilities.again(BACKEND, BASE))?.features).toEqual(['two']);
  world.features = ['three'];
  world.later(59);
  expect((await world.capabilities.again(BACKEND, BASE))?.features).toEqual(['two']);
  expect(world.asked).toHaveLength(2);
  world.later(2);
  expect((await world.capabilities.again(BACKEND, BASE))?.features).toEqual(['three']);
});
