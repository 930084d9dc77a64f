import type { ServerResponse } from 'node:http';
import { brandAs, type RegionEntry, type RegionId, type RegionState } from '@parley/domain';
import { eventually } from '@parley/testing';
import { PROXY_TIMES } from '../src/proxy/proxy';
import { envelope } from './fake-services';
import { call, saidTo, seenBy, startTwoRegions, type TestRegion, type TwoRegions } from './two-regions';

describe('xroom calls that concern an account as a whole', () => {
  const list = { method: 'list', data: {} };
  let regions: TwoRegions;
  beforeEach(async () => {
    await start(60_000);
  });
  afterEach(() => regions.close());
  const start = async (answerMs: number) => {
    regions = await startTwoRegions({
      times: { proxy: { ...PROXY_TIMES, listPart: { connectMs: 10_000, answerMs } } },
    });
    regions.know('strict.example', { region: 'us-1', strict: true });
    for (const { directory } of [regions.eu, regions.us]) directory.accounts.set('acc', ['eu-1', 'us-1']);
    for (const region of [regions.eu, regions.us]) {
      const domain = `${region.id.slice(0, 2)}.example`;
      region.api.forEach(
        (api) => (api.answer = (_seen, response) => envelope(response, { [domain]: { rooms: api.name.slice(0, 4) } })),
      );
    }
  };
  const entries = (usState: RegionState): RegionEntry[] =>
    [regions.eu, regions.us].map(({ id, url }, index) => ({
      id: brandAs<RegionId>(id),
      number: index + 1,
      apiUrl: url,
      signalingUrl: url.replace('http', 'ws'),
      position: null,
      group: null,
      state: id === 'us-1' ? usState : 'serving',
      version: 1,
    }));

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

  it('are refused as the one region refused', async () => {
    const { eu, us } = regions;
    us.api.forEach(
      (api) =>
        (api.answer = (_seen, response) => response.writeHead(401).end('{"isError":true,"errMsg":"no","data":null}')),
    );
    const refused = await call(eu, list, { 'x-auth-id': 'acc' });
    expect([refused.status, refused.body.errMsg]).toEqual([401, 'no']);
  });

  it('say which regions were asked, signed', async () => {
    const { eu, us } = regions;
    await call(eu, list, { 'x-auth-id': 'acc' });
    expect(saidTo(seenBy(eu)[0])?.says).toMatchObject({ regions: 'eu-1,us-1', for: '127.0.0.1' });
    expect(seenBy(us)[0]?.headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1' });
  });

  const broken = (response: ServerResponse) => response.writeHead(500).end('{"isError":true,"errMsg":"x","data":null}');
  it.each([
    ['gone', (us: TestRegion) => us.router.close()],
    ['silent', (us: TestRegion) => us.api.forEach((api) => (api.answer = () => undefined))],
    ['broken', (us: TestRegion) => us.api.forEach((api) => (api.answer = (_seen, response) => broken(response)))],
    ['taken down', ({ directory }: TestRegion) => (directory.entries = entries('down'))],
  ] as const)('name a region that is %s instead of failing', async (how, strike) => {
    if (how === 'silent') {
      await regions.close();
      await start(2_000);
    }
    const { eu, us } = regions;
    eu.directory.entries = entries('serving');
    await strike(us);
    if (us.directory.entries.length > 0) eu.directory.entries = us.directory.entries;
    await eventually(async () => {
      const answer = await call(eu, list, { 'x-auth-id': 'acc' });
      expect(answer.status).toBe(200);
      return (
        answer.headers.get('x-parley-missing-regions') === 'us-1' && Object.keys(answer.body.data ?? {}).length === 1
      );
    }, 'us-1 to be named as missing');
  });

  it('are 503 when every region is dead', async () => {
    const { eu, us } = regions;
    await us.router.close();
    for (const api of eu.api) await api.kill();
    const down = await call(eu, list, { 'x-auth-id': 'acc' });
    expect([down.status, down.headers.get('retry-after')]).toEqual([503, '5']);
  });

  it('of the REST API are merged, say in the body what is missing, and leave strict domains out', async () => {
    const { eu, us } = regions;
    const robots = (region: TestRegion, ...domains: string[]) =>
      region.api.forEach((api) => {
        const body = JSON.stringify({ robots: domains.map((domain) => ({ domain })) });
        api.answer = (_seen, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      });
    robots(eu, 'eu.example');
    robots(us, 'us.example', 'strict.example');
    const get = async () => {
      const answer = await fetch(`${eu.url}/v1/robots`, { headers: { 'x-auth-id': 'acc' } });
      return { omitted: answer.headers.get('x-parley-omitted-domains'), body: await answer.json() };
    };
    const both = [{ domain: 'eu.example' }, { domain: 'us.example' }];
    expect(await get()).toEqual({ omitted: 'strict.example', body: { robots: both } });
    await us.router.close();
    expect(await get()).toEqual({ omitted: null, body: { robots: both.slice(0, 1), missingRegions: ['us-1'] } });
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
