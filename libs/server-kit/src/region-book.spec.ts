import { regionRowsSchema } from '@parley/config';
import { brandAs, type RegionEntry, type RegionId } from '@parley/domain';
import { RegionBook } from './region-book';

const rows = regionRowsSchema.parse([
  { id: 'eu-1', number: 1, url: 'https://eu.test' },
  { id: 'us-1', number: 2, url: 'https://us.test', latitude: 39, longitude: -77 },
]);

const told: RegionEntry = {
  id: brandAs<RegionId>('eu-1'),
  number: 1,
  apiUrl: 'https://api.eu.test',
  signalingUrl: 'wss://rt.eu.test',
  position: { latitude: 50, longitude: 8 },
  group: 'europe',
  state: 'draining',
  version: 3,
};

function bookOf() {
  const lines: string[] = [];
  const log = (first: unknown, text?: string) => void lines.push(text ?? String(first));
  const state = { now: 0, answer: (): Promise<readonly RegionEntry[]> => Promise.resolve([told]) };
  const book = new RegionBook({
    rows,
    directory: { regions: () => state.answer() },
    // Only these three are called.
    logger: { info: log, warn: log, error: log } as never,
    now: () => state.now,
    everyMs: 1_000_000,
  });
  return { book, state, lines };
}

const urls = (book: RegionBook) => book.regions.map(({ apiUrl }) => apiUrl);

it('what the directory says of a region counts, PARLEY_REGIONS fills in; sockets belong to the front door unless said', async () => {
  const { book } = bookOf();
  expect(urls(book)).toEqual(['https://eu.test', 'https://us.test']);
  await book.refresh();
  expect(urls(book)).toEqual(['https://api.eu.test', 'https://us.test']);
  expect(book.find(brandAs('us-1'))).toMatchObject({
    signalingUrl: 'wss://us.test',
    position: { latitude: 39, longitude: -77 },
  });
  expect(book.find(brandAs('ap-1'))).toBeUndefined();
  await book.close();
});

it('the last word of the directory is kept for 24 hours while it is away, and the outage is one line', async () => {
  const { book, state, lines } = bookOf();
  await book.refresh();
  const { answer } = state;
  state.answer = () => Promise.reject(new Error('away'));
  state.now = 24 * 3_600_000;
  await book.refresh();
  expect(urls(book)[0]).toBe('https://api.eu.test');
  state.now += 1;
  await book.refresh();
  expect(urls(book)[0]).toBe('https://eu.test');
  state.answer = answer;
  await book.refresh();
  expect(urls(book)[0]).toBe('https://api.eu.test');
  expect(lines).toHaveLength(2);
  await book.close();
});
