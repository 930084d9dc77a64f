import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { INTERNAL_HEADER, InternalAuth } from '@parley/server-kit';
import { restClient, restHeaders } from './rest';
import { backEnd, legacyHeaders, signedHeaders } from './running-api';
import { DEMO, DOMAIN, INTERNAL_SECRET, relaying, startTwoRegions, type TwoRegions } from './two-regions';

jest.setTimeout(180_000);

let world: TwoRegions;
/** The only delivery that the domain had before it moved, and its webhook. */
let delivery: string;
let webhook: number;

beforeAll(async () => {
  world = await startTwoRegions();
  const dispatchers = [relaying(world.eu), relaying(world.us)];
  const eu = backEnd(world.eu.url, DEMO);
  const { data } = await eu('webhook/add', { domain: DOMAIN, type: 'url', url: 'http://127.0.0.1:9/hook' });
  webhook = (data as { id: number }).id;
  // As after a handshake that it passed.
  await world.eu.database.prisma.webhook.updateMany({
    data: { validated: true, provenAt: new Date(), pausedAt: new Date() },
  });
  await eu('booking/add', { domain: DOMAIN, roomName: 'later', validUntil: Date.parse('2030-01-01') });
  await world.eu.database.prisma.webhook.updateMany({ data: { events: ['booking.added', 'booking.removed'] } });
  await eu('booking/remove', { domain: DOMAIN, roomName: 'later' });
  delivery = await firstDelivery();
  await moveToUs();
  await Promise.all(dispatchers.map((each) => each.stop()));
});
afterAll(() => world.close());

async function firstDelivery(): Promise<string> {
  for (let looks = 0; looks < 1_000; looks += 1) {
    const row = await world.eu.database.prisma.webhookDelivery.findFirst();
    if (row !== null) return row.id;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('no delivery is made');
}

async function moveToUs(): Promise<void> {
  for (let steps = 0; steps < 500; steps += 1) {
    const wish = { to: 'us-1', closeRooms: true };
    const { status, json } = await world.eu.admin('POST', `domains/${DOMAIN}/move`, wish);
    // What a busy database put off is repeated.
    if (status !== 200 && status !== 503) throw new Error(`${status} ${JSON.stringify(json)}`);
    if (json['phase'] === 'done') return;
  }
  throw new Error('the move does not end');
}

/** The very same bytes, as often as it is called; `fetch` itself does so with what is answered 421. */
async function send(method: string, target: string, headers: Record<string, string>, body = '') {
  const sent = request(`${world.eu.url}${target}`, { method, headers });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
}

const init = JSON.stringify({ method: 'init', data: { id: `${DOMAIN}/r` } });
const list = `/v1/webhooks?domain=${DOMAIN}`;

test.each([
  ['a signed call', () => send('POST', '/api/room', signedOnce.call, init)],
  ['a call with the original key', () => send('POST', '/api/room', signedOnce.legacy, init)],
  ['a signed call of the REST API', () => send('GET', list, signedOnce.rest)],
  ['a removal of a webhook', () => send('POST', '/api/webhook', signedOnce.remove, removal())],
])('%s that is sent elsewhere is told so as often as it is sent, not that it was used before', async (_what, act) => {
  signedOnce = newProofs();
  const first = await act();
  expect(first.status).toBe(421);
  const second = await act();
  expect([second.status, withoutId(second.body)]).toEqual([421, withoutId(first.body)]);
});

const removal = () => JSON.stringify({ method: 'remove', data: { id: webhook } });
const newProofs = () => ({
  call: signedHeaders(DEMO, '/api/room', init) as Record<string, string>,
  legacy: legacyHeaders(DEMO),
  rest: restHeaders(DEMO, 'GET', list, '') as Record<string, string>,
  remove: signedHeaders(DEMO, '/api/webhook', removal()) as Record<string, string>,
});
let signedOnce: ReturnType<typeof newProofs>;

/** Each answer has a request id of its own. */
function withoutId(body: string): unknown {
  const { requestId: _, ...rest } = JSON.parse(body) as Record<string, unknown>;
  return rest;
}

test('the real fetch, which sends it once more by itself, gets the real answer', async () => {
  const call = await backEnd(world.eu.url, DEMO)('room/init', { id: `${DOMAIN}/r` });
  expect([call.status, call.errMsg]).toEqual([421, 'The domain has moved to another region.']);
  const rest = await restClient(world.eu.url, DEMO)('GET', `webhooks?domain=${DOMAIN}`);
  expect([rest.status, rest.json]).toMatchObject([421, { code: 'wrong_region' }]);
});

test('a call that was done, or refused for another reason, is accepted once', async () => {
  const proof = signedHeaders(DEMO, '/api/room', '{"method":"list"}') as Record<string, string>;
  expect((await send('POST', '/api/room', proof, '{"method":"list"}')).status).toBe(200);
  expect((await send('POST', '/api/room', proof, '{"method":"list"}')).status).toBe(401);
  const unknown = JSON.stringify({ method: 'init', data: { id: 'nobody.example/r' } });
  const other = signedHeaders(DEMO, '/api/room', unknown) as Record<string, string>;
  expect((await send('POST', '/api/room', other, unknown)).body).toContain('nobody.example');
  expect((await send('POST', '/api/room', other, unknown)).status).toBe(401);
});

test('what left by its id alone is answered with where it went, before anybody proves anything', async () => {
  const told = { 'x-parley-refused': 'moved', 'x-parley-refused-region': 'us-1' };
  expect(delivery).toMatch(/^dlv_eu-1_/);
  for (const [method, path] of [
    ['GET', `/v1/deliveries/${delivery}`],
    ['POST', `/v1/deliveries/${delivery}/resend`],
    ['GET', `/v1/webhooks/${webhook}/deliveries?limit=5`],
    ['DELETE', `/v1/webhooks/${webhook}`],
  ] as const) {
    const answer = await send(method, path, {});
    expect({ path, ...answer }).toMatchObject({ path, status: 421, headers: told });
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'wrong_region' });
    // Whose it was, only routers are told.
    expect(JSON.stringify(answer)).not.toContain(DOMAIN);
    const asRouter = { method, path, from: 'region-router@eu-1', hops: 0 };
    const header = new InternalAuth(INTERNAL_SECRET).sign(asRouter, new Date());
    const toRouter = await send(method, path, { [INTERNAL_HEADER]: header });
    expect(toRouter.headers).toMatchObject({ ...told, 'x-parley-refused-domain': DOMAIN });
  }
  expect((await send('GET', '/v1/deliveries/dlv_eu-1_none', {})).status).toBe(401);
  const there = restClient(world.us.url, DEMO);
  expect((await there('GET', `deliveries/${delivery}`)).json).toMatchObject({ id: delivery, webhookId: webhook });
});
