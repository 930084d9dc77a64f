import { envelope } from './fake-services';
import { call, seenBy, startTwoRegions, type TwoRegions } from './two-regions';

describe('xroom calls that concern an account as a whole', () => {
  const list = { method: 'list', data: {} };
  let regions: TwoRegions;
  beforeEach(async () => {
    regions = await startTwoRegions();
    regions.know('strict.example', { region: 'us-1', strict: true });
    for (const { directory } of [regions.eu, regions.us]) directory.accounts.set('acc', ['eu-1', 'us-1']);
    for (const region of [regions.eu, regions.us]) {
      const domain = `${region.id.slice(0, 2)}.example`;
      region.api.forEach(
        (api) => (api.answer = (_seen, response) => envelope(response, { [domain]: { rooms: api.name.slice(0, 4) } })),
      );
    }
  });
  afterEach(() => regions.close());

  it('are asked in every region and merged', async () => {
    const { eu, us } = regions;
    const answer = await call(eu, list, { 'x-auth-id': 'acc' });
    expect(answer.body).toEqual({
      isError: false,
      errMsg: null,
      data: { 'eu.example': { rooms: 'eu-1' }, 'us.example': { rooms: 'us-1' } },
    });
    expect([seenBy(eu).length, seenBy(us).length]).toEqual([1, 1]);
  });

  it('are refused as the one region refused, and 503 when one is down', async () => {
    const { eu, us } = regions;
    us.api.forEach(
      (api) =>
        (api.answer = (_seen, response) => response.writeHead(401).end('{"isError":true,"errMsg":"no","data":null}')),
    );
    const refused = await call(eu, list, { 'x-auth-id': 'acc' });
    expect([refused.status, refused.body.errMsg]).toEqual([401, 'no']);
    await us.router.close();
    const down = await call(eu, list, { 'x-auth-id': 'acc' });
    expect([down.status, down.headers.get('x-home-region')]).toEqual([503, 'us-1']);
  });

  it('leave out strictly resident domains of other regions, by name', async () => {
    const { eu, us } = regions;
    us.api.forEach(
      (api) => (api.answer = (_seen, response) => envelope(response, { 'strict.example': { r: 1 }, 'us.example': {} })),
    );
    const answer = await call(eu, list, { 'x-auth-id': 'acc' });
    expect(Object.keys(answer.body.data ?? {})).toEqual(['eu.example', 'us.example']);
    expect(answer.headers.get('x-parley-omitted-domains')).toBe('strict.example');
  });
});
