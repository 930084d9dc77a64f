import { seenBy, startTwoRegions, type TwoRegions } from './two-regions';

describe('GET / at the front door', () => {
  let regions: TwoRegions;
  beforeAll(async () => {
    regions = await startTwoRegions();
  });
  afterAll(() => regions?.close());
  const look = (accept?: string) => fetch(`${regions.eu.url}/`, { headers: accept === undefined ? {} : { accept } });

  it('shows browsers a page that leads on and loads nothing', async () => {
    const answer = await look('text/html,application/xhtml+xml,*/*;q=0.8');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await answer.text();
    expect(page).toContain('Parley');
    for (const path of ['/regions', '/ping']) expect(page).toContain(`href="${path}"`);
    expect(page).not.toMatch(/<script|src=|https?:/);
  });

  it.each([undefined, '*/*', 'application/json'])('tells programs that accept %s the same as JSON', async (accept) => {
    const answer = await look(accept);
    expect([answer.status, answer.headers.get('vary')]).toEqual([200, 'accept']);
    const welcome = (await answer.json()) as { name: string; paths: object };
    expect(welcome.name).toBe('Parley');
    expect(Object.keys(welcome.paths)).toEqual(expect.arrayContaining(['/regions', '/ping']));
  });

  it('asks nobody behind it', () => expect(seenBy(regions.eu)).toEqual([]));
});
