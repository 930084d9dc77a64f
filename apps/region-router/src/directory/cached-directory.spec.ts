import { brandAs, type Directory, type DomainName } from '@parley/domain';
import { CachedDirectory } from './cached-directory';

const name = brandAs<DomainName>('a.example');

function setUp(maxEntries = 100) {
  const state = { now: 0, asked: [] as string[], down: false, region: 'eu-1' as string | null };
  const answer = async <Value>(question: string, value: Value): Promise<Value> => {
    state.asked.push(question);
    if (state.down) throw new Error('directory is down');
    return value;
  };
  const source: Directory = {
    domain: (domain) =>
      answer(
        domain,
        state.region === null ? null : { region: brandAs(state.region), epoch: 1, strictResidency: false },
      ),
    host: (host) => answer(host, null),
    regionsOf: (authId) => answer(authId, []),
    movedId: (kind, id) => answer(`${kind} ${id}`, null),
    strictRegions: () => answer('strict', []),
  };
  const told: string[] = [];
  const outage = { began: (error: unknown) => void told.push(String(error)), ended: () => void told.push('over') };
  const times = { knownMs: 60_000, unknownMs: 5_000, keptMs: 24 * 3_600_000, maxEntries };
  const cache = new CachedDirectory(source, () => state.now, times, outage);
  return { state, cache, told };
}

describe('CachedDirectory', () => {
  it('asks once a minute for what is known', async () => {
    const { state, cache } = setUp();
    await Promise.all([cache.domain(name), cache.domain(name)]);
    state.now = 59_999;
    await cache.domain(name);
    expect(state.asked).toHaveLength(1);
    state.now = 60_000;
    await cache.domain(name);
    expect(state.asked).toHaveLength(2);
  });

  it('asks again after 5 s for what was unknown', async () => {
    const { state, cache } = setUp();
    state.region = null;
    expect(await cache.domain(name)).toBeNull();
    state.region = 'us-1';
    state.now = 4_999;
    expect(await cache.domain(name)).toBeNull();
    state.now = 5_000;
    expect(await cache.domain(name)).toMatchObject({ region: 'us-1' });
    await cache.regionsOf('x');
    state.now = 10_000;
    await cache.regionsOf('x');
    expect(state.asked.filter((question) => question === 'x')).toHaveLength(2);
  });

  it('uses an old answer while the directory is down, and says so when it has none', async () => {
    const { state, cache } = setUp();
    await cache.domain(name);
    state.down = true;
    state.now = 600_000;
    expect(await cache.domain(name)).toMatchObject({ region: 'eu-1' });
    // Not every call waits for the silence of what is down.
    const asked = state.asked.length;
    expect(await cache.domain(name)).toMatchObject({ region: 'eu-1' });
    expect(state.asked).toHaveLength(asked);
    await expect(cache.host('other')).rejects.toThrow('directory is down');
  });

  it('tells of an outage once, and of its end', async () => {
    const { state, cache, told } = setUp();
    await cache.domain(name);
    state.down = true;
    for (const host of ['a', 'b']) await expect(cache.host(host)).rejects.toThrow();
    expect(told).toEqual(['Error: directory is down']);
    state.down = false;
    await cache.host('a');
    expect(told).toEqual(['Error: directory is down', 'over']);
  });

  it('drops the least recently used entry', async () => {
    const { state, cache } = setUp(2);
    await cache.host('a');
    await cache.host('b');
    await cache.host('a');
    await cache.host('c');
    state.asked.length = 0;
    await cache.host('a');
    await cache.host('b');
    expect(state.asked).toEqual(['b']);
  });

  it('keeps what is known, whatever others make up', async () => {
    const { state, cache } = setUp(2);
    await cache.domain(name);
    for (let count = 0; count < 10; count += 1) await cache.regionsOf(`made up ${count}`);
    state.asked.length = 0;
    await cache.domain(name);
    expect(state.asked).toEqual([]);
  });

  it('forgets that it did not know a domain, once it is known, and the other way round', async () => {
    const { state, cache } = setUp();
    for (const region of ['eu-1', null, 'us-1', null]) {
      state.region = region;
      expect((await cache.refreshDomain(name))?.region ?? null).toBe(region);
      expect((await cache.domain(name))?.region ?? null).toBe(region);
    }
  });

  it('keeps an answer 24 hours while the directory is down, but not that a domain was unknown', async () => {
    const { state, cache } = setUp();
    await cache.domain(name);
    state.region = null;
    const unknown = brandAs<DomainName>('unknown.example');
    expect(await cache.domain(unknown)).toBeNull();
    state.down = true;
    state.now = 5_000;
    await expect(cache.domain(unknown)).rejects.toThrow('directory is down');
    state.now = 24 * 3_600_000 - 1;
    expect(await cache.domain(name)).toMatchObject({ region: 'eu-1' });
    state.now += 5_001;
    await expect(cache.domain(name)).rejects.toThrow('directory is down');
  });

  it('asks anew at once when told that an answer is old, and keeps it if nobody answers', async () => {
    const { state, cache } = setUp();
    await cache.domain(name);
    state.region = 'us-1';
    expect(await cache.refreshDomain(name)).toMatchObject({ region: 'us-1' });
    expect(await cache.domain(name)).toMatchObject({ region: 'us-1' });
    state.down = true;
    expect(await cache.refreshDomain(name)).toMatchObject({ region: 'us-1' });
  });
});
