import type { ServerResponse } from 'node:http';
import { envelope, exchange } from './fake-services';
import { call, saidTo, seenBy, startTwoRegions, type TestRegion, type TwoRegions } from './two-regions';

const DELIVERY = '/v1/deliveries/dlv_us-1_0123';

/** Makes a region's api refuse as one does that knows better where a call belongs. */
function refuses(region: TestRegion, headers: Record<string, string>): void {
  for (const api of region.api) {
    api.answer = (_seen, response) => response.writeHead(421, headers).end('{"code":"wrong_region"}');
  }
}

const get = (region: TestRegion, target: string, headers: Record<string, string> = {}) =>
  fetch(`${region.url}${target}`, { headers });

describe('a call that only an api knows to belong elsewhere', () => {
  let regions: TwoRegions;
  beforeEach(async () => {
    regions = await startTwoRegions();
  });
  afterEach(() => regions.close());

  const moved = { 'x-parley-refused': 'moved', 'x-parley-refused-domain': 'x.example' };

  it('goes to the home of the domain with which the delivery left, which the directory knows', async () => {
    const { eu, us } = regions;
    regions.know('x.example', { region: 'eu-1', epoch: 2 });
    refuses(us, { ...moved, 'x-parley-refused-region': 'ap-1' });
    for (const [door, home] of [
      [eu, null],
      [us, 'eu-1'],
    ] as const) {
      const before = [seenBy(eu).length, seenBy(us).length];
      const answer = await get(door, DELIVERY);
      expect([answer.status, answer.headers.get('x-home-region')]).toEqual([200, home]);
      expect([seenBy(eu).length, seenBy(us).length]).toEqual(before.map((count) => count + 1));
      for (const seen of seenBy(eu)) {
        expect(saidTo(seen)?.says).toMatchObject({ domain: 'x.example', epoch: '2' });
      }
    }
    expect((await fetch(`${us.url}${DELIVERY}/resend`, { method: 'POST' })).status).toBe(200);
    expect(seenBy(eu).map(({ method, target }) => `${method} ${target}`)).toContain(`POST ${DELIVERY}/resend`);
  });

  it('stops at the border of a domain that is strictly resident there', async () => {
    const { eu, us } = regions;
    regions.know('x.example', { region: 'eu-1', epoch: 2, strict: true });
    refuses(us, moved);
    const answer = await get(us, DELIVERY);
    expect([answer.status, answer.headers.get('x-home-host')]).toEqual([421, new URL(eu.url).host]);
    expect(seenBy(eu)).toEqual([]);
  });

  it('is not sent to where it came from, and never a third time', async () => {
    const { eu, us } = regions;
    regions.know('x.example', { region: 'us-1', epoch: 2 });
    refuses(us, moved);
    const refused = await get(us, DELIVERY);
    expect([refused.status, refused.headers.get('x-parley-refused')]).toEqual([421, 'moved']);
    // Anybody may ask for any id: whose it is stays among routers.
    expect(refused.headers.get('x-parley-refused-domain')).toBeNull();
    expect(seenBy(eu)).toEqual([]);
    regions.know('x.example', { region: 'eu-1', epoch: 3 });
    refuses(eu, { ...moved, 'x-parley-refused-region': 'us-1' });
    // Not with fetch, which sends what was answered 421 once more by itself.
    const before = seenBy(us).length;
    const head = `GET ${DELIVERY} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    expect(await exchange(us.port, head)).toMatch(/^HTTP\/1.1 421 /);
    expect([seenBy(us).length - before, seenBy(eu).length]).toEqual([1, 1]);
  });

  it('about the keys of an account goes to the region that made it', async () => {
    const { eu, us } = regions;
    eu.directory.accounts.set('acc', ['eu-1', 'us-1']);
    refuses(eu, { 'x-parley-refused': 'not_home', 'x-parley-refused-region': 'us-1' });
    const body = '{"name":"ci"}';
    const headers = { 'x-auth-id': 'acc', 'x-random': 'once' };
    const answer = await fetch(`${eu.url}/v1/keys`, { method: 'POST', headers, body });
    expect([answer.status, answer.headers.get('x-home-region')]).toEqual([200, 'us-1']);
    expect(seenBy(us)[0]).toMatchObject({ body, headers });
    expect([seenBy(eu).length, seenBy(us).length]).toEqual([1, 1]);
  });
});

describe('a list by bearer key', () => {
  let regions: TwoRegions;
  beforeEach(async () => {
    regions = await startTwoRegions();
    for (const region of [regions.eu, regions.us]) {
      for (const api of region.api) api.answer = (_seen, response) => answerRobots(region, response);
    }
  });
  afterEach(() => regions.close());

  function answerRobots({ id }: TestRegion, response: ServerResponse): void {
    const headers = { 'content-type': 'application/json', 'x-parley-account-regions': 'eu-1, us-1' };
    response.writeHead(200, headers).end(JSON.stringify({ robots: [{ domain: `${id.slice(0, 2)}.example` }] }));
  }

  it.each(['eu-1', 'us-1'])('of %s is asked in all regions of its account, which its api names', async (maker) => {
    const { eu, us } = regions;
    const answer = await get(eu, '/v1/robots', { authorization: `Bearer pk_${maker}_${'a'.repeat(64)}` });
    const { robots } = (await answer.json()) as { robots: { domain: string }[] };
    expect(robots.map(({ domain }) => domain)).toEqual(['eu.example', 'us.example']);
    expect(answer.headers.get('x-parley-account-regions')).toBeNull();
    for (const region of [eu, us]) expect(seenBy(region).length).toBeLessThanOrEqual(2);
  });
});

it('a call of a domain that is on its way is answered as its home answers, once', async () => {
  const regions = await startTwoRegions();
  const { eu, us } = regions;
  regions.know('x.example', { region: 'us-1' });
  for (const api of us.api) {
    api.answer = (_seen, response) =>
      response.writeHead(503, { 'retry-after': '5' }).end('{"isError":true,"errMsg":"moving","data":null}');
  }
  const answer = await call(eu, { method: 'init', data: { id: 'x.example/r' } });
  expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('x-home-region')]).toEqual([
    503,
    '5',
    'us-1',
  ]);
  expect(answer.body.errMsg).toBe('moving');
  expect([seenBy(eu).length, seenBy(us).length]).toEqual([0, 1]);
  // Reads go on there.
  for (const api of us.api) api.answer = (_seen, response) => envelope(response, []);
  expect((await call(eu, { method: 'list', data: { domain: 'x.example' } }, {}, 'booking')).status).toBe(200);
  await regions.close();
});
