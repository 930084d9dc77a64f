import { brandAs, type RegionId } from '@parley/domain';
import { InternalAuth } from '@parley/server-kit';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import {
  DOMAIN,
  backEnd,
  legacyHeaders,
  openTestDatabase,
  signedHeaders,
  startTestApi,
  type TestApi,
} from './running-api';

const SECRET = 'internal-secret-of-the-tests-0123456789';

/** Not with `fetch`, which sends a call that was answered 421 once more by itself. */
async function post(url: string, headers: Record<string, string>, body: string) {
  const sent = request(url, { method: 'POST', headers });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const json = JSON.parse(await text(answer)) as Record<string, unknown>;
  return { status: answer.statusCode, refused: answer.headers['x-parley-refused'], body: json };
}

describe('calls that a router brings', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startTestApi({ PARLEY_INTERNAL_SECRET: SECRET });
  });
  afterAll(() => api?.close());

  const send = async (path: string, says: Record<string, string>, body: object, secret = SECRET) => {
    const call = { method: 'POST', path, from: 'region-router@us-1', hops: 1, says };
    const header = new InternalAuth(secret).sign(call, new Date());
    return post(api.url + path, { ...legacyHeaders(api.demo), 'x-parley-internal': header }, JSON.stringify(body));
  };
  const init = (room: string) => ({ method: 'init', data: { id: `${DOMAIN}/${room}` } });

  it('are served when the router knew the domain as it is', async () => {
    const served = await send('/api/room', { domain: DOMAIN, epoch: '1' }, init('a'));
    expect(served).toMatchObject({ status: 200, refused: undefined, body: { isError: false } });
    expect((await send('/api/room', {}, init('a'))).status).toBe(200);
  });

  it.each(['0', '2', 'x'])('are refused when it knew it as of epoch %s', async (epoch) => {
    const refused = await send('/api/room', { domain: DOMAIN, epoch }, init('refused'));
    expect(refused).toMatchObject({ status: 421, refused: 'wrong_epoch', body: { isError: true, data: null } });
    const join = await send('/join', { domain: DOMAIN, epoch }, { room: `${DOMAIN}/refused` });
    expect(join).toMatchObject({ status: 421, refused: 'wrong_epoch', body: { code: 'wrong_region' } });
    const list = await backEnd(api.url, api.demo)('room/list', { domain: DOMAIN });
    expect(JSON.stringify(list)).toContain(DOMAIN);
    expect(JSON.stringify(list)).not.toContain('refused');
  });

  it('are refused for a domain that is not here, or no more', async () => {
    const unknown = await send('/api/room', { domain: 'elsewhere.example', epoch: '1' }, init('a'));
    expect(unknown).toMatchObject({ status: 421, refused: 'not_home' });
    const database = openTestDatabase(api);
    const move = (region: string) =>
      database.prisma.domain.update({ where: { name: 'other.example' }, data: { region: brandAs<RegionId>(region) } });
    await move('us-1');
    const moved = await send('/api/room', { domain: 'other.example', epoch: '1' }, init('a'));
    expect(moved).toMatchObject({ status: 421, refused: 'not_home' });
    // Nor does a caller who comes without a router get anywhere.
    for (const [collection, method, data] of [
      ['room', 'init', { id: 'other.example/a' }],
      ['room', 'list', { domain: 'other.example' }],
      ['booking', 'list', { domain: 'other.example' }],
      ['webhook', 'list', { domain: 'other.example' }],
      ['webhook', 'add', { domain: 'other.example', type: 'url', url: 'https://receiver.example' }],
    ] as const) {
      const [path, body] = [`/api/${collection}`, JSON.stringify({ method, data })];
      const answer = await post(api.url + path, signedHeaders(api.other, path, body), body);
      expect({ method, ...answer }).toMatchObject({ method, status: 421, body: { isError: true } });
    }
    await move('eu-1');
    await database.close();
    expect((await backEnd(api.url, api.other)('room/init', { id: 'other.example/a' })).status).toBe(200);
  });

  it('are not believed when a stranger signed', async () => {
    const forged = await send('/api/room', { domain: DOMAIN, epoch: '9' }, init('a'), 'f'.repeat(40));
    expect(forged).toMatchObject({ status: 200, refused: undefined });
  });
});
