import { brandAs, type DomainName } from '@parley/domain';
import { EventWatch } from './event-watch';

const domain = (name: string) => brandAs<DomainName>(name);
const [one, two] = [domain('one.example'), domain('two.example')];
const here = () => new AbortController().signal;
const opened: EventWatch[] = [];
afterEach(() => Promise.all(opened.splice(0).map((watch) => watch.close())));

/** Domains whose events end somewhere, and what was asked about them. */
function world() {
  const heads = new Map<DomainName, bigint>();
  const asked: string[] = [];
  const troubles: unknown[] = [];
  let isDown = false;
  const watch = new EventWatch(
    async (domains) => {
      asked.push(domains.toSorted().join());
      if (isDown) throw new Error('the database is away');
      return new Map(heads);
    },
    (error) => troubles.push(error),
  );
  opened.push(watch);
  const happens = (name: DomainName, position: bigint) => {
    heads.set(name, position);
    watch.heard();
  };
  return { watch, heads, asked, troubles, happens, setDown: (down: boolean) => (isDown = down) };
}

it('tells those whose domain has news, and no others', async () => {
  const { watch, happens } = world();
  const [ofOne, ofTwo] = [watch.beyond(one, 5n, 10_000, here()), watch.beyond(two, 5n, 100, here())];
  happens(one, 6n);
  expect(await ofOne).toBe(true);
  expect(await ofTwo).toBe(false);
  expect(watch.waiting).toBe(0);
});

it('tells at once who reads behind what is there already', async () => {
  const { watch, heads, asked } = world();
  heads.set(one, 9n);
  expect(await watch.beyond(one, 8n, 10_000, here())).toBe(true);
  expect(asked).toEqual(['one.example']);
});

it('asks once for all who wait, and nothing while nobody does', async () => {
  const { watch, asked, happens } = world();
  happens(one, 1n);
  expect(asked).toEqual([]);
  const waiting = [one, two, one, two].map((name) => watch.beyond(name, 5n, 10_000, here()));
  happens(one, 6n);
  happens(two, 6n);
  expect(await Promise.all(waiting)).toEqual([true, true, true, true]);
  expect(new Set(asked)).toEqual(new Set(['one.example', 'one.example,two.example']));
});

it('overlooks nobody who comes at the moment in which the last one is told', async () => {
  const { watch, heads } = world();
  heads.set(one, 1n);
  const began = performance.now();
  // Each call is made in the very turn in which the one before it ends, when the look that ended it is just over.
  let chain = watch.beyond(one, 0n, 20_000, here());
  for (let n = 0; n < 20; n += 1) chain = chain.then(() => watch.beyond(one, 0n, 20_000, here()));
  expect(await chain).toBe(true);
  expect(performance.now() - began).toBeLessThan(15_000);
});

it('lets go who is gone, whose time is up, and everybody when it closes', async () => {
  const { watch } = world();
  const gone = new AbortController();
  const leaving = watch.beyond(one, 0n, 10_000, gone.signal);
  gone.abort();
  expect(await leaving).toBe(false);
  expect(await watch.beyond(one, 0n, 10_000, gone.signal)).toBe(false);
  expect(await watch.beyond(one, 0n, 1, here())).toBe(false);
  const staying = watch.beyond(one, 0n, 10_000, here());
  await watch.close();
  expect(await staying).toBe(false);
  expect(await watch.beyond(one, 0n, 10_000, here())).toBe(false);
});

it('goes on after a look that failed', async () => {
  const { watch, heads, troubles, setDown } = world();
  setDown(true);
  const waiting = watch.beyond(one, 0n, 10_000, here());
  await Promise.resolve();
  expect(troubles).toHaveLength(1);
  setDown(false);
  heads.set(one, 1n);
  watch.heard();
  expect(await waiting).toBe(true);
});
