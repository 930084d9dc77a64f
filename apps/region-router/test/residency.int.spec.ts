import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { numericId } from '@parley/domain';
import { eventually } from '@parley/testing';
import { envelope } from './fake-services';
import { call, seenBy, startTwoRegions, type TestRegion, type TwoRegions } from './two-regions';

const MARK = 'do-not-let-this-out';
/** The strictly resident domain's, and somebody else's, all in us-1. */
const [strictHook, strictRobot, otherHook] = [numericId(5, 2), numericId(6, 2), numericId(7, 2)];
const KEY = { authorization: `Bearer pk_us-1_${'a'.repeat(64)}` };

interface Sent {
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

/** Sends a call once; `fetch` would send what is answered 421 a second time by itself. */
async function send({ url }: TestRegion, method: string, target: string, { headers = {}, body }: Sent = {}) {
  const sent = request(url + target, { method, headers });
  sent.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, headers: answer.headers, text: await text(answer) };
}

describe('calls that concern a strictly resident domain without naming it', () => {
  let regions: TwoRegions;
  beforeEach(async () => {
    regions = await startTwoRegions();
    regions.know('strict.example', { region: 'us-1', strict: true });
    regions.know('us.example', { region: 'us-1' });
    for (const { directory } of [regions.eu, regions.us]) {
      directory.accounts.set('in-us', ['us-1']);
      directory.accounts.set('in-both', ['eu-1', 'us-1']);
      directory.hosts.set('rooms.us.example', 'us.example');
    }
    for (const api of regions.us.api) {
      const strict = { domain: 'strict.example', strict: true };
      api.owners.set(`webhook/${strictHook}`, strict);
      api.owners.set(`robot/${strictRobot}`, strict);
      api.owners.set('delivery/dlv_us-1_5', strict);
      api.owners.set(`webhook/${otherHook}`, { domain: 'us.example', strict: false });
    }
  });
  afterEach(() => regions.close());

  const usHost = () => ({ host: new URL(regions.us.url).host });

  it.each([
    ['PATCH', `/v1/webhooks/${strictHook}`, { body: { url: MARK } }],
    ['PATCH', `/v1/webhooks/${strictHook}`, { headers: KEY, body: { url: MARK } }],
    ['PATCH', `/v1/webhooks/${strictHook}?domain=us.example`, { body: { url: MARK } }],
    ['PATCH', `/v1/webhooks/${strictHook}`, { headers: { 'x-parley-domain': 'us.example' }, body: MARK }],
    ['PATCH', `/v1/webhooks/${strictHook}`, { headers: { host: 'rooms.us.example' }, body: MARK }],
    ['PATCH', `/v1/webhooks/${strictHook}`, { headers: { host: 'of us-1' }, body: MARK }],
    ['PATCH', `/v1/webhooks/${strictHook}`, { headers: { prefer: 'region-redirect' }, body: MARK }],
    ['PATCH', `/v1/webhooks/${strictHook}`, { headers: { 'transfer-encoding': 'chunked' }, body: MARK }],
    ['GET', `/v1/webhooks/${strictHook}/deliveries`, {}],
    ['POST', `/v1/robots/${strictRobot}/tickets`, { headers: { authorization: `Bearer rk_${MARK}` } }],
    ['GET', '/v1/deliveries/dlv_us-1_5', {}],
    ['POST', '/v1/deliveries/dlv_us-1_5/resend', { body: MARK }],
    ['POST', '/api/webhook', { body: { method: 'validate', data: { id: strictHook, more: MARK } } }],
    ['POST', '/api/webhook', { body: { method: 'remove', data: { id: strictHook } } }],
    [
      'POST',
      '/api/webhook',
      { headers: { 'x-parley-domain': 'us.example' }, body: { method: 'remove', data: { id: strictHook } } },
    ],
    // Nobody can read for which domain they are.
    ['POST', '/v1/webhooks', { headers: KEY, body: `{"domain":"strict.example","url":"${MARK}` }],
    ['POST', '/v1/robots', { headers: { 'x-auth-id': 'in-us' }, body: `{"domain":"strict.example","name":"${MARK}` }],
    [
      'POST',
      '/v1/webhooks',
      { headers: KEY, body: `{"domain":"us.example","domain":"strict.example","url":"${MARK}"}` },
    ],
    ['POST', '/v1/unheard-of', { headers: KEY, body: MARK }],
    ['GET', '/v1/events/evt_us-1_7', {}],
    [
      'POST',
      '/api/room',
      { headers: { host: 'of us-1' }, body: `{"method":"init","data":{"id":"strict.example/${MARK}` },
    ],
    ['POST', '/join', { headers: { host: 'of us-1' }, body: `{"room":"strict.example/${MARK}` }],
  ] as const)('%s %s %j get 421, and nothing of them goes anywhere', async (method, target, given: Sent) => {
    const { eu, us } = regions;
    const headers = given.headers?.['host'] === 'of us-1' ? { ...given.headers, ...usHost() } : given.headers;
    const answer = await send(eu, method, target, { ...given, ...(headers && { headers }) });
    expect([answer.status, answer.headers['x-home-region'], answer.headers['x-home-host']]).toEqual([
      421,
      'us-1',
      usHost().host,
    ]);
    expect([...seenBy(eu), ...seenBy(us)]).toEqual([]);
    expect([answer.text, ...eu.log, ...us.log].join('')).not.toMatch(/do-not-let|strict\.example/);
  });

  it.each([
    ['DELETE', `/v1/webhooks/${otherHook}`, {}],
    ['POST', '/api/webhook', { body: { method: 'remove', data: { id: otherHook } } }],
    // Nobody's id is nobody's data.
    ['GET', `/v1/webhooks/${numericId(99, 2)}`, {}],
    ['GET', '/v1/keys', { headers: KEY }],
    ['DELETE', '/v1/keys/ak_us-1_0123', { headers: { 'x-auth-id': 'in-us' } }],
    ['POST', '/v1/webhooks', { headers: KEY, body: { domain: 'us.example' } }],
    ['POST', '/v1/webhooks', { headers: KEY, body: { domain: 'unheard.example' } }],
  ] as const)('%s %s %j of others are served as ever', async (method, target, given: Sent) => {
    const { eu, us } = regions;
    expect((await send(eu, method, target, given)).status).toBe(200);
    expect([seenBy(eu).length, seenBy(us).length]).toEqual([0, 1]);
  });

  it('are told apart by asking the region of the id once a minute, and only where there are strict domains', async () => {
    const { eu, us } = regions;
    const asked = () => us.api.flatMap(({ askedOwners }) => askedOwners);
    for (let turn = 0; turn < 3; turn += 1) await send(eu, 'GET', `/v1/webhooks/${strictHook}`);
    expect(asked()).toEqual([`webhook/${strictHook}`]);
    await send(us, 'GET', `/v1/webhooks/${numericId(1, 1)}`);
    expect(eu.api.flatMap(({ askedOwners }) => askedOwners)).toEqual([]);
  });

  it('are 503 with the home region while that does not say whose they are', async () => {
    const { eu, us } = regions;
    await us.router.close();
    const answer = await send(eu, 'PATCH', `/v1/webhooks/${strictHook}`, { body: MARK });
    expect([answer.status, answer.headers['x-home-region'], answer.headers['retry-after']]).toEqual([503, 'us-1', '5']);
  });

  it('are told apart while the directory is down, too', async () => {
    const { eu, us } = regions;
    await call(eu, { method: 'list', data: {} });
    for (const { directory } of [eu, us]) directory.down = true;
    expect((await send(eu, 'GET', `/v1/webhooks/${strictHook}`)).status).toBe(421);
    expect((await send(eu, 'GET', `/v1/webhooks/${otherHook}`)).status).toBe(200);
    for (const api of us.api) api.owners.set('domain/unheard.example', { domain: 'unheard.example', strict: true });
    expect((await send(eu, 'GET', '/v1/events?domain=unheard.example', { headers: KEY })).status).toBe(421);
    expect((await send(eu, 'GET', '/v1/events?domain=other.example', { headers: KEY })).status).toBe(200);
  });

  it('leave no name in the log while neither the directory nor their region says whose they are', async () => {
    const { eu, us } = regions;
    await us.router.close();
    eu.directory.down = true;
    for (const headers of [KEY, {}]) {
      for (const target of ['/v1/domains/strict.example/rooms', '//v1/Domain%73/strict.example']) {
        expect((await send(eu, 'GET', target, { headers })).status).toBe(503);
      }
    }
    const failed = () => eu.log.filter((line) => line.includes('request failed'));
    await eventually(
      () => failed().length === 4,
      () => `four lines about failures; there are ${eu.log.join('')}`,
    );
    expect(eu.log.join('')).not.toContain('strict.example');
  });
});

describe('lists that another region sends for', () => {
  let regions: TwoRegions;
  beforeEach(async () => {
    regions = await startTwoRegions();
    regions.know('strict.example', { region: 'us-1', strict: true });
    regions.know('us.example', { region: 'us-1' });
    for (const api of regions.us.api) {
      api.answer = (seen, response) => {
        if (seen.target.startsWith('/api/'))
          return envelope(response, { 'strict.example': { r: 1 }, 'us.example': {} });
        const body = JSON.stringify({ robots: [{ domain: 'us.example' }, { domain: 'strict.example', name: MARK }] });
        response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      };
    }
  });
  afterEach(() => regions.close());

  const list = { method: 'list', data: {} };
  it.each([
    ['GET', '/v1/robots', { headers: KEY }],
    ['GET', '/v1/robots', { headers: { ...KEY, 'x-parley-domain': 'us.example' } }],
    ['GET', '/v1/robots', { headers: { host: 'of us-1' } }],
    ['POST', '/api/room', { headers: { 'x-parley-domain': 'us.example' }, body: list }],
    ['POST', '/api/room', { headers: { host: 'of us-1' }, body: list }],
  ] as const)('%s %s %j only name what is strictly resident', async (method, target, given: Sent) => {
    const { eu, us } = regions;
    const host = new URL(us.url).host;
    const headers = given.headers?.['host'] === 'of us-1' ? { ...given.headers, host } : given.headers;
    const answer = await send(eu, method, target, { ...given, ...(headers && { headers }) });
    expect([answer.status, answer.headers['x-parley-omitted-domains']]).toEqual([200, 'strict.example']);
    expect(answer.text).toContain('us.example');
    expect(answer.text).not.toMatch(/strict\.example|do-not-let/);
    // Asked at home itself, it is all there.
    const { headers: _, ...rest } = given;
    expect((await send(us, method, target, rest)).text).toContain('strict.example');
  });

  it('a region that believes it is not strict yet is told so by its home, and passes that on', async () => {
    const { eu, us } = regions;
    eu.directory.domains.set('strict.example', { region: 'us-1' });
    const init = { method: 'init', data: { id: `strict.example/${MARK}` } };
    const answer = await send(eu, 'POST', '/api/room', { body: init });
    expect([answer.status, answer.headers['x-home-region'], answer.headers['x-home-host']]).toEqual([
      421,
      'us-1',
      new URL(us.url).host,
    ]);
    expect([...seenBy(eu), ...seenBy(us)]).toEqual([]);
  });
});
