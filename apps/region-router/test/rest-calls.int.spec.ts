import { numericId } from '@parley/domain';
import { seenBy, startTwoRegions, type TwoRegions } from './two-regions';

/** Sends a call of the REST API to eu-1's front door and answers which region served it, `none` when it was refused. */
async function servedBy(
  { eu, us }: TwoRegions,
  method: string,
  target: string,
  options: { readonly headers?: Record<string, string>; readonly body?: unknown } = {},
): Promise<string> {
  const [before, beforeUs] = [seenBy(eu).length, seenBy(us).length];
  const { headers = {}, body } = options;
  const answer = await fetch(`${eu.url}${target}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  await answer.text();
  if (seenBy(us).length > beforeUs) return 'us-1';
  return seenBy(eu).length > before ? 'eu-1' : `none (${answer.status})`;
}

describe('calls of the REST API through the front door', () => {
  let regions: TwoRegions;
  beforeAll(async () => {
    regions = await startTwoRegions();
    regions.know('eu.example', { region: 'eu-1' });
    regions.know('us.example', { region: 'us-1' });
    regions.know('strict.example', { region: 'us-1', strict: true });
    for (const { directory } of [regions.eu, regions.us]) {
      directory.accounts.set('in-us', ['us-1']);
      directory.accounts.set('in-both', ['us-1', 'eu-1']);
    }
  });
  afterAll(() => regions.close());

  const [inEu, inUs] = [numericId(7, 1), numericId(7, 2)];
  const bearer = (region: string) => ({ authorization: `Bearer pk_${region}_${'a'.repeat(64)}` });

  it.each([
    ['GET', `/v1/webhooks/${inUs}`, {}, 'us-1'],
    ['GET', `/v1/webhooks/${inEu}`, { headers: bearer('us-1') }, 'eu-1'],
    ['PATCH', `/v1/webhooks/${inUs}`, { body: { events: ['roomCreated'] } }, 'us-1'],
    ['DELETE', `/v1/webhooks/${inUs}`, {}, 'us-1'],
    ['POST', `/v1/webhooks/${inUs}/replay`, { body: { since: '2026-01-01T00:00:00Z' } }, 'us-1'],
    ['GET', `/v1/webhooks/${inUs}/deliveries?limit=5`, {}, 'us-1'],
    ['GET', `/v1/robots/${inUs}`, {}, 'us-1'],
    ['GET', '/v1/deliveries/dlv_us-1_0123', {}, 'us-1'],
    ['POST', '/v1/deliveries/dlv_us-1_0123/resend', {}, 'us-1'],
    ['DELETE', '/v1/keys/ak_us-1_0123', {}, 'us-1'],
    ['POST', '/v1/domains/us.example/webhook-key/rotate', {}, 'us-1'],
    ['GET', '/v1/events?domain=us.example&wait=1', {}, 'us-1'],
    ['GET', '/v1/webhooks?domain=US.example', { headers: bearer('eu-1') }, 'us-1'],
    ['POST', '/v1/webhooks', { body: { domain: 'us.example', type: 'url' } }, 'us-1'],
    ['POST', '/v1/webhooks', { body: { domain: 'eu.example' }, headers: { 'x-parley-domain': 'us.example' } }, 'us-1'],
    ['GET', '/v1/keys', { headers: { 'x-parley-domain': 'us.example' } }, 'us-1'],
    ['GET', '/v1/keys', { headers: { 'x-auth-id': 'in-us' } }, 'us-1'],
    ['POST', '/v1/keys', { headers: { 'x-auth-id': 'in-both' }, body: { name: 'x' } }, 'eu-1'],
    ['GET', '/v1/robots', { headers: bearer('us-1') }, 'us-1'],
    ['GET', '/v1/keys', {}, 'eu-1'],
    ['GET', '/v1/webhooks?domain=nobody.example', {}, 'eu-1'],
    ['POST', '/v1/webhooks', { body: '{"domain":' }, 'eu-1'],
    ['GET', '/v1/deliveries/dlv_mars-1_0123', {}, 'eu-1'],
    ['GET', '/v1/events?domain=strict.example', {}, 'none (421)'],
    ['POST', '/v1/webhooks', { body: { domain: 'strict.example' } }, 'none (421)'],
    [
      'POST',
      '/v1/webhooks',
      { body: { domain: 'strict.example' }, headers: { 'x-parley-domain': 'us.example' } },
      'none (421)',
    ],
    ['GET', '/v1/admin/accounts', {}, 'none (404)'],
  ] as const)('%s %s %j: %s', async (method, target, options, region) => {
    expect(await servedBy(regions, method, target, options)).toBe(region);
  });

  it('arrive as they were signed: target, headers and body', async () => {
    const { eu, us } = regions;
    const target = '/v1/events?domain=us.example&events=roomCreated%2CpeerLeft&room=%C3%BC';
    const headers = { 'x-auth-id': 'a', 'x-random': 'r'.repeat(32), 'x-timestamp': '1', 'x-signature': 'f'.repeat(64) };
    await fetch(`${eu.url}${target}`, { headers });
    const seen = seenBy(us).find((each) => each.target === target);
    expect([seen?.method, seen?.body]).toEqual(['GET', '']);
    expect(seen?.headers).toMatchObject(headers);
    const body = '{ "domain":"us.example" , "type":"url"}';
    await fetch(`${eu.url}/v1/webhooks`, { method: 'POST', headers, body });
    expect(seenBy(us).map((each) => each.body)).toContain(body);
  });

  it('are refused as problems where the home region is strict', async () => {
    const { eu } = regions;
    const answer = await fetch(`${eu.url}/v1/events?domain=strict.example`);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('x-home-region')).toBe('us-1');
  });
});
