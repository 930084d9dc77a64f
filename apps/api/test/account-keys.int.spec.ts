import { createHmac } from 'node:crypto';
import { accountKeyListSchema, createdAccountKeySchema } from '@parley/contracts';
import { eventually } from '@parley/testing';
import { refusalOf, restClient, restHeaders } from './rest';
import { ADMIN_KEY, backEnd, DOMAIN, newRandom, openTestDatabase, startTestApi, type TestApi } from './running-api';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const LIST = `webhooks?domain=${DOMAIN}`;
const owner = () => restClient(api.url, api.demo);
const withKey = (key: string) => restClient(api.url, { key });

async function madeKey(name: string) {
  const answer = await owner()('POST', 'keys', { name });
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([201, 'no-store']);
  return createdAccountKeySchema.parse(answer.json);
}

async function operator(method: string, path: string, body?: unknown) {
  const response = await fetch(`${api.adminUrl}/v1/admin/${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    json: text === '' ? undefined : (JSON.parse(text) as unknown),
  };
}

describe('a bearer key', () => {
  it('is made by a signed call, opens what the account has, and is kept as a hash', async () => {
    const made = await madeKey('ci');
    expect(made).toMatchObject({ name: 'ci', lastUsedAt: null, revokedAt: null });
    expect(made.id).toMatch(/^ak_eu-1_[0-9a-f]{24}$/);
    expect(made.key).toMatch(/^pk_eu-1_[0-9a-f]{64}$/);
    expect((await withKey(made.key)('GET', LIST)).status).toBe(200);
    const listed = accountKeyListSchema.parse((await owner()('GET', 'keys')).json);
    expect(listed.keys.find(({ id }) => id === made.id)?.lastUsedAt).not.toBeNull();
    expect(JSON.stringify(listed)).not.toContain(made.key);
    const database = openTestDatabase(api);
    const rows = JSON.stringify(await database.prisma.accountKey.findMany());
    await database.close();
    expect(rows).not.toContain(made.key.slice(-64));
    expect(api.logs()).not.toContain(made.key.slice(-64));
  });

  it('is void once it is revoked, or its account is disabled', async () => {
    const made = await madeKey('gone');
    expect((await owner()('DELETE', `keys/${made.id}`)).status).toBe(204);
    expect(await refusalOf(withKey(made.key)('GET', LIST))).toEqual({ status: 401, code: 'unauthenticated' });
    expect(await refusalOf(owner()('DELETE', `keys/${made.id}`))).toEqual({ status: 404, code: 'key_not_found' });
    await operator('POST', 'accounts', { slug: 'closing', authId: 'closing' });
    const ofClosing = createdAccountKeySchema.parse(
      (await operator('POST', 'accounts/closing/keys', { name: 'one' })).json,
    );
    expect(await refusalOf(withKey(ofClosing.key)('GET', LIST))).toEqual({ status: 404, code: 'domain_not_found' });
    await operator('POST', 'accounts/closing/disable');
    expect(await refusalOf(withKey(ofClosing.key)('GET', LIST))).toEqual({ status: 401, code: 'unauthenticated' });
  });

  it('makes, lists and revokes no keys', async () => {
    const { key, id } = await madeKey('curious');
    const calls = [
      withKey(key)('GET', 'keys'),
      withKey(key)('POST', 'keys', { name: 'x' }),
      withKey(key)('DELETE', `keys/${id}`),
    ];
    for (const call of calls) expect(await refusalOf(call)).toEqual({ status: 403, code: 'not_allowed' });
  });

  it('has a name that is used once and has the form of names', async () => {
    await madeKey('twice');
    expect(await refusalOf(owner()('POST', 'keys', { name: 'twice' }))).toEqual({ status: 409, code: 'key_exists' });
    for (const name of ['', 'No Name', 'x'.repeat(64)]) {
      expect(await refusalOf(owner()('POST', 'keys', { name }))).toEqual({ status: 400, code: 'invalid_input' });
    }
    // Another account may call its key the same.
    expect((await restClient(api.url, api.other)('POST', 'keys', { name: 'twice' })).status).toBe(201);
  });

  it('made elsewhere is refused with the name of its region', async () => {
    const foreign = `pk_us-1_${'a'.repeat(64)}`;
    const { status, json } = await withKey(foreign)('GET', LIST);
    expect(status).toBe(401);
    expect(JSON.stringify(json)).toContain('us-1');
  });

  it('is made, listed and revoked by operators too, which is audited', async () => {
    const made = createdAccountKeySchema.parse((await operator('POST', 'accounts/other/keys', { name: 'ops' })).json);
    expect((await withKey(made.key)('GET', 'webhooks?domain=other.example')).status).toBe(200);
    const { keys } = accountKeyListSchema.parse((await operator('GET', 'accounts/other/keys')).json);
    expect(keys.map(({ name }) => name)).toContain('ops');
    // Another account's key is none of this one.
    expect((await operator('DELETE', `accounts/demo/keys/${made.id}`)).status).toBe(404);
    expect((await operator('DELETE', `accounts/other/keys/${made.id}`)).status).toBe(204);
    expect((await withKey(made.key)('GET', 'webhooks?domain=other.example')).status).toBe(401);
    expect((await operator('GET', 'accounts/nobody/keys')).status).toBe(404);
    const { json } = await operator('GET', 'audit?limit=2');
    expect(json).toMatchObject({
      entries: [
        { actor: 'bootstrap', action: 'account-key.revoke', target: 'other', details: { id: made.id } },
        { action: 'account-key.create', target: 'other', details: { name: 'ops' } },
      ],
    });
  });
});

describe('a signed call', () => {
  const send = (target: string, headers: Record<string, string>) => fetch(`${api.url}${target}`, { headers });

  it('signs its query as it is sent', async () => {
    const target = `/v1/${LIST}`;
    const headers = restHeaders(api.other, 'GET', '/v1/webhooks?domain=other.example', '');
    expect((await send('/v1/webhooks?domain=other.example', headers)).status).toBe(200);
    // The same signature moved to another query, or to none.
    const moved = restHeaders(api.other, 'GET', '/v1/webhooks?domain=other.example', '');
    expect((await send(target, moved)).status).toBe(401);
    const withoutQuery = restHeaders(api.other, 'GET', '/v1/webhooks', '');
    expect((await send('/v1/webhooks?domain=other.example', withoutQuery)).status).toBe(401);
    const otherMethod = restHeaders(api.other, 'POST', '/v1/webhooks?domain=other.example', '');
    expect((await send('/v1/webhooks?domain=other.example', otherMethod)).status).toBe(401);
  });

  it('is accepted once', async () => {
    const target = '/v1/webhooks?domain=other.example';
    const headers = restHeaders(api.other, 'GET', target, '');
    expect((await send(target, headers)).status).toBe(200);
    const again = await send(target, headers);
    expect([again.status, await again.json()]).toMatchObject([401, { code: 'replayed_request' }]);
  });

  it('covers the whole call: the key of the original scheme is not enough, though it is for the xroom API', async () => {
    const { authId, secret } = api.demo;
    const random = newRandom();
    const key = createHmac('sha256', secret).update(random).digest('hex');
    const headers = { 'x-api-version': '2', 'x-auth-id': authId, 'x-random': random, 'x-auth-key': key };
    const refused = await send('/v1/keys', headers);
    expect([refused.status, await refused.json()]).toMatchObject([401, { code: 'unauthenticated' }]);
    expect((await backEnd(api.url, api.demo)('room/list')).status).toBe(200);
  });

  it('is needed where there is no key, and wrong ones are problems', async () => {
    const target = `/v1/${LIST}`;
    for (const [headers, status] of [
      [{}, 401],
      [{ 'x-auth-id': 'demo' }, 400],
      [{ 'x-api-version': '2' }, 401],
      [{ 'x-api-version': '2', 'x-auth-id': 'nobody', 'x-random': newRandom(), 'x-auth-key': 'a'.repeat(64) }, 401],
      [{ authorization: 'Basic abc' }, 401],
      [{ authorization: 'Bearer ' }, 401],
      [{ authorization: `Bearer ${'x'.repeat(600)}` }, 401],
    ] as const) {
      const answer = await send(target, headers);
      expect([headers, answer.status]).toEqual([headers, status]);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
    }
  });
});

it('an address that guesses keys is soon refused for a while, whatever it sends', async () => {
  const another = await api.another({ API_FAILURES_PER_MINUTE_PER_ADDRESS: '1' });
  try {
    const { key } = await madeKey('late');
    const at = (proof: string) => refusalOf(restClient(another.url, { key: proof })('GET', LIST));
    // Earlier tests failed from this address as well, and their minute may end between two calls.
    const refused = async () => {
      await at(`pk_eu-1_${'0'.repeat(64)}`);
      expect(await at(key)).toEqual({ status: 429, code: 'rate_limited' });
      return true;
    };
    await eventually(refused, 'the good key to be refused after a wrong one');
  } finally {
    await another.close();
  }
});
