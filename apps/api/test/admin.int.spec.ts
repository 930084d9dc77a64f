import {
  accountListSchema,
  auditListSchema,
  createdAccountSchema,
  createdDomainSchema,
  createdKeySchema,
  domainListSchema,
  domainSchema,
  keyListSchema,
  problemSchema,
  webhookKeySchema,
} from '@parley/contracts';
import { ADMIN_KEY, backEnd, openTestDatabase, startTestApi, type TestApi } from './running-api';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

async function send(method: string, path: string, body?: unknown, key: string | undefined = ADMIN_KEY) {
  const response = await fetch(`${api.adminUrl}/v1/admin/${path}`, {
    method,
    headers: key === undefined || key === '' ? {} : { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: (text === '' ? undefined : JSON.parse(text)) as unknown };
}

async function refusal(...[method, path, body, key]: Parameters<typeof send>) {
  const { json } = await send(method, path, body, key);
  const { status, code } = problemSchema.parse(json);
  return { status, code };
}

describe('the key', () => {
  it.each(['', 'nonsense', 'nonsense-nonsense-nonsense', `${ADMIN_KEY}x`])('%p opens nothing', async (key) => {
    for (const path of ['accounts', 'domains', 'keys', 'audit']) {
      expect(await refusal('GET', path, undefined, key)).toEqual({ status: 401, code: 'unauthenticated' });
    }
  });

  it('is made, used, rotated and revoked', async () => {
    const made = createdKeySchema.parse((await send('POST', 'keys', { name: 'ops' })).json);
    expect((await send('GET', 'keys', undefined, made.key)).status).toBe(200);
    const rotated = createdKeySchema.parse((await send('POST', 'keys/ops/rotate')).json);
    expect(rotated.name).toBe('ops-r2');
    expect((await send('GET', 'keys', undefined, made.key)).status).toBe(401);
    const { keys } = keyListSchema.parse((await send('GET', 'keys', undefined, rotated.key)).json);
    expect(keys.map(({ name, revokedAt }) => [name, revokedAt === null])).toEqual([
      ['bootstrap', true],
      ['ops', false],
      ['ops-r2', true],
    ]);
    expect((await send('DELETE', 'keys/ops-r2')).status).toBe(204);
    expect((await send('GET', 'keys', undefined, rotated.key)).status).toBe(401);
    expect(await refusal('DELETE', 'keys/ops-r2')).toEqual({ status: 404, code: 'not_found' });
    expect(await refusal('POST', 'keys', { name: 'ops' })).toEqual({ status: 409, code: 'conflict' });
  });
});

describe('accounts and domains', () => {
  it('are made, with secrets shown once, and work', async () => {
    const account = createdAccountSchema.parse((await send('POST', 'accounts', { slug: 'acme' })).json);
    expect(account.legacyKeys).toBe(false);
    const made = await send('POST', 'domains', {
      name: 'acme.example',
      account: 'acme',
      capacity: 5,
      apiEmptySeconds: null,
      webhookRetentionDays: 7,
    });
    const domain = createdDomainSchema.parse(made.json);
    const usual = { apiUnenteredSeconds: 86_400, hosts: [] };
    expect(domain).toMatchObject({ capacity: 5, apiEmptySeconds: null, webhookRetentionDays: 7, ...usual });
    expect((await backEnd(api.url, account)('room/init', { id: 'acme.example/a' })).isError).toBe(false);
    const lists = [await send('GET', 'accounts'), await send('GET', 'domains')];
    expect(accountListSchema.parse(lists[0]?.json).accounts.map(({ slug }) => slug)).toContain('acme');
    expect(domainListSchema.parse(lists[1]?.json).domains.map(({ name }) => name)).toContain('acme.example');
    expect(JSON.stringify(lists)).not.toContain(account.secret);
    expect(JSON.stringify(lists)).not.toContain(domain.webhookKey);
    expect(api.logs()).not.toContain(account.secret);
  });

  it('have another capacity in the rooms that are open, too, and what changed is told', async () => {
    const account = createdAccountSchema.parse((await send('POST', 'accounts', { slug: 'full' })).json);
    await send('POST', 'domains', { name: 'full.example', account: 'full', capacity: 5 });
    await backEnd(api.url, account)('room/init', { id: 'full.example/a' });
    expect((await send('PATCH', 'domains/full.example', { capacity: 6, visitorsMayOpen: false })).status).toBe(200);
    expect((await send('PATCH', 'domains/full.example', { webhookRetentionDays: 366 })).status).toBe(400);
    const database = openTestDatabase(api);
    const where = { domainName: 'full.example' };
    expect(await database.prisma.room.findFirst({ where })).toMatchObject({ capacity: 6, policyVersion: 2 });
    const told = await database.prisma.outboxEvent.findMany({ where, orderBy: { seq: 'asc' } });
    await database.close();
    expect(told.map(({ type }) => type)).toEqual(['room.created', 'room.updated']);
    expect(told[1]?.payload).toMatchObject({ capacity: 6, changes: { capacity: 6 } });
  });

  it('are changed, rotated, disabled, deleted', async () => {
    const account = createdAccountSchema.parse((await send('POST', 'accounts', { slug: 'gone' })).json);
    await send('POST', 'domains', { name: 'gone.example', account: 'gone' });
    const changed = await send('PATCH', 'domains/gone.example', {
      visitorsMayOpen: false,
      hosts: ['rooms.gone.example'],
    });
    expect(domainSchema.parse(changed.json)).toMatchObject({ visitorsMayOpen: false, hosts: ['rooms.gone.example'] });
    const rotate = 'domains/gone.example/webhook-key/rotate';
    const rotated = webhookKeySchema.parse((await send('POST', rotate)).json);
    expect(Date.parse(rotated.formerSignsUntil ?? '') - Date.now()).toBeGreaterThan(23 * 3_600_000);
    const { formerSignsUntil } = webhookKeySchema.parse((await send('POST', rotate, { overlapHours: 0 })).json);
    expect(formerSignsUntil).toBeNull();
    expect(await refusal('POST', rotate, { overlapHours: 169 })).toEqual({ status: 400, code: 'invalid_input' });
    const { secret } = (await send('POST', 'accounts/gone/rotate-secret')).json as { secret: string };
    expect((await backEnd(api.url, account)('room/list')).status).toBe(401);
    expect((await backEnd(api.url, { ...account, secret })('room/list')).status).toBe(200);
    expect((await send('POST', 'accounts/gone/disable')).json).toMatchObject({
      disabledAt: expect.any(String) as unknown,
    });
    expect((await backEnd(api.url, { ...account, secret })('room/list')).status).toBe(401);
    expect((await send('DELETE', 'domains/gone.example')).status).toBe(204);
    expect(await refusal('GET', 'domains/gone.example')).toEqual({ status: 404, code: 'not_found' });
  });

  it('are refused when they exist, cannot be, or are of another form', async () => {
    expect(await refusal('POST', 'accounts', { slug: 'demo' })).toEqual({ status: 409, code: 'conflict' });
    expect(await refusal('POST', 'accounts', { slug: 'No Slug' })).toEqual({ status: 400, code: 'invalid_input' });
    expect(await refusal('POST', 'accounts', { slug: 'x', secret: 'mine' })).toEqual({
      status: 400,
      code: 'invalid_input',
    });
    expect(await refusal('POST', 'domains', { name: 'a b', account: 'demo' })).toEqual({
      status: 400,
      code: 'invalid_input',
    });
    expect(await refusal('POST', 'domains', { name: 'x.example', account: 'none' })).toEqual({
      status: 404,
      code: 'not_found',
    });
    expect(await refusal('POST', 'domains', '{')).toEqual({ status: 400, code: 'invalid_input' });
    expect(await refusal('POST', 'accounts', 'x'.repeat(70_000))).toEqual({ status: 413, code: 'body_too_large' });
    expect(await refusal('GET', 'audit?limit=0')).toEqual({ status: 400, code: 'invalid_input' });
    expect(await refusal('GET', 'nothing')).toEqual({ status: 404, code: 'not_found' });
  });
});

it('writes down who did what', async () => {
  await send('POST', 'accounts', { slug: 'audited' });
  const { entries } = auditListSchema.parse((await send('GET', 'audit?limit=1')).json);
  expect(entries).toMatchObject([{ actor: 'bootstrap', action: 'account.create', target: 'audited' }]);
});
