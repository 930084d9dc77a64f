import type { Backend, BackendStore } from '@parley/persistence';
import { BackendRegistry } from './backend-registry';

// Only its identity matters here.
const CLOUD = { id: 'cloud' } as Backend;

class FakeStore implements BackendStore {
  backend: Backend | null = CLOUD;
  asked = 0;
  async byUrl(): Promise<Backend | null> {
    this.asked += 1;
    return this.backend;
  }
  byId = () => this.byUrl();
  list = async () => [];
}

let now = 0;
let store: FakeStore;
let registry: BackendRegistry;
beforeEach(() => {
  now = 0;
  store = new FakeStore();
  registry = new BackendRegistry(store, () => now);
});

it('asks once, and again when it was told to forget or time has passed', async () => {
  await Promise.all([registry.byUrl('https://a/'), registry.byUrl('https://a/'), registry.byUrl('https://a/')]);
  expect(store.asked).toBe(1);
  registry.forget();
  await registry.byUrl('https://a/');
  expect(store.asked).toBe(2);
  now += 30_001;
  await registry.byUrl('https://a/');
  expect(store.asked).toBe(3);
});

it('that one is not there does not hold for a second', async () => {
  store.backend = null;
  expect(await registry.byUrl('https://a/')).toBeNull();
  store.backend = CLOUD;
  expect(await registry.byUrl('https://a/')).toBeNull();
  now += 900;
  expect(await registry.byUrl('https://a/')).toBe(CLOUD);
});

it('an answer that was under way when it was told to forget is not kept', async () => {
  const early = registry.byUrl('https://a/');
  registry.forget();
  store.backend = null;
  await early;
  expect(await registry.byUrl('https://a/')).toBeNull();
});

it('a failure is not kept', async () => {
  jest.spyOn(store, 'byUrl').mockRejectedValueOnce(new Error('away'));
  await expect(registry.byUrl('https://a/')).rejects.toThrow('away');
  expect(await registry.byUrl('https://a/')).toBe(CLOUD);
});

it('does not grow without end', async () => {
  for (let index = 0; index < 3_000; index += 1) await registry.byUrl(`https://a/${index}`);
  await registry.byUrl('https://a/2999');
  expect(store.asked).toBe(3_000);
  await registry.byUrl('https://a/0');
  expect(store.asked).toBe(3_001);
});
