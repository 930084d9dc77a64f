import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { auditListSchema, backendListSchema, backendSchema, problemSchema } from '@parley/contracts';
import { brandAs, cryptoIds, RoomService, type DomainName, type ReplicaId, type RoomName } from '@parley/domain';
import { createRedisLive, parseRedisTarget } from '@parley/live';
import { createBackendStore } from '@parley/persistence';
import { createRedis, hearBackendBell } from '@parley/server-kit';
import { eventually } from '@parley/testing';
import { ADMIN_KEY, DOMAIN, openTestDatabase, startTestApi, type TestApi } from './running-api';

const secretOf = (id: string) => `the secret of ${id} in its Talk settings`;
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api?.close());

async function send(method: string, path: string, body?: unknown) {
  const response = await fetch(`${api.adminUrl}/v1/admin/${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: (text === '' ? undefined : JSON.parse(text)) as unknown };
}

async function refusal(body: object) {
  const { code, status } = problemSchema.parse((await send('POST', 'backends', body)).json);
  return { code, status };
}

const backend = (id: string, more: object = {}) => ({
  id,
  domain: DOMAIN,
  urls: [`https://${id}.example`],
  secret: secretOf(id),
  ...more,
});

it('is added, listed and removed; its secrets are sealed and never shown', async () => {
  const internalSecret = 'the secret of its recorder';
  const made = await send('POST', 'backends', {
    ...backend('cloud', { urls: ['https://Cloud.example:443/nc', 'https://other.example/'] }),
    internalSecret,
    sessionLimit: 5,
    maxStreamBitrate: 1_000_000,
  });
  expect(made.status).toBe(201);
  expect(backendSchema.parse(made.json)).toMatchObject({
    id: 'cloud',
    urls: ['https://cloud.example/nc/', 'https://other.example/'],
    hasInternalSecret: true,
    sessionLimit: 5,
    maxScreenBitrate: null,
    foreignEntry: false,
  });
  const list = await send('GET', 'backends');
  expect(backendListSchema.parse(list.json).backends.map(({ id }) => id)).toEqual(['cloud']);
  const database = openTestDatabase(api);
  const store = createBackendStore(database);
  expect(await store.byUrl('https://cloud.example/nc/index.php/x')).toMatchObject({
    secret: secretOf('cloud'),
    internalSecret,
    maxStreamBitrate: 1_000_000,
  });
  const row = await database.prisma.backend.findFirstOrThrow();
  const seen = JSON.stringify([made, list, row, (await send('GET', 'audit')).json]) + api.logs();
  for (const secret of [secretOf('cloud'), internalSecret]) expect(seen).not.toContain(secret);
  expect((await send('DELETE', 'backends/cloud')).status).toBe(204);
  expect(await store.byUrl('https://cloud.example/nc/')).toBeNull();
  await database.close();
  expect((await send('DELETE', 'backends/cloud')).status).toBe(404);
  const { entries } = auditListSchema.parse((await send('GET', 'audit?limit=2')).json);
  expect(entries.map(({ action, target }) => [action, target])).toEqual([
    ['backend.delete', 'cloud'],
    ['backend.create', 'cloud'],
  ]);
});

it('is refused when it cannot be', async () => {
  await send('POST', 'backends', backend('first'));
  expect(await refusal(backend('first', { urls: ['https://new.example'] }))).toEqual({ code: 'conflict', status: 409 });
  expect(await refusal(backend('second', { urls: ['https://first.example'] }))).toEqual({
    code: 'conflict',
    status: 409,
  });
  expect(await refusal(backend('lost', { domain: 'none.example' }))).toEqual({ code: 'not_found', status: 404 });
  const invalid = [
    { urls: ['http://plain.example'] },
    { urls: ['https://user:password@cloud.example'] },
    { urls: ['https://localhost'] },
    { urls: ['ftp://cloud.example'] },
    { urls: [] },
    { secret: 'short' },
    { allowPrivate: ['10.0.0.0/99'] },
    { sessionLimit: 0 },
  ];
  for (const more of invalid) {
    expect({ more, ...(await refusal(backend('wrong', more))) }).toEqual({ more, code: 'invalid_input', status: 400 });
  }
  const inner = backend('inner', { urls: ['http://10.1.2.3:8080'], allowPrivate: ['10.0.0.0/8'] });
  expect((await send('POST', 'backends', inner)).status).toBe(201);
});

it('shares its secrets with no other: neither could tell who speaks', async () => {
  const [secret, internalSecret] = ['the secret of the first one', 'the internal secret of the first one'];
  expect((await send('POST', 'backends', backend('owner', { secret, internalSecret }))).status).toBe(201);
  for (const more of [{ secret }, { internalSecret }, { secret: internalSecret }, { internalSecret: secret }]) {
    const refused = problemSchema.parse((await send('POST', 'backends', backend('copy', more))).json);
    expect(refused).toMatchObject({
      code: 'conflict',
      status: 409,
      detail: expect.stringMatching(/owner .*secret/) as unknown,
    });
    for (const shown of [secret, internalSecret]) expect(JSON.stringify(refused)).not.toContain(shown);
  }
  expect((await send('POST', 'backends', backend('copy'))).status).toBe(201);
  for (const more of [{ secret }, { internalSecret }])
    expect((await send('PATCH', 'backends/copy', more)).status).toBe(409);
  // Of many that come at once with one secret one is made.
  const rush = ['r1', 'r2', 'r3'].map((id) =>
    send('POST', 'backends', backend(id, { secret: 'the secret of them all' })),
  );
  expect((await Promise.all(rush)).map(({ status }) => status).sort()).toEqual([201, 409, 409]);
});

it('is changed, as a whole or not at all; what is not said stays', async () => {
  const internalSecret = 'the internal secret that stays';
  await send('POST', 'backends', backend('changing', { internalSecret, sessionLimit: 5, maxScreenBitrate: 7 }));
  const database = openTestDatabase(api);
  const store = createBackendStore(database);
  const secret = 'the secret that comes after it';
  const changes = { urls: ['https://new.changing.example/nc'], secret, sessionLimit: null, foreignEntry: true };
  const { status, json } = await send('PATCH', 'backends/changing', changes);
  expect(status).toBe(200);
  const kept = { id: 'changing', domain: DOMAIN, hasInternalSecret: true, maxScreenBitrate: 7, allowPrivate: [] };
  const urls = ['https://new.changing.example/nc/'];
  expect(backendSchema.parse(json)).toMatchObject({ ...kept, urls, sessionLimit: null, foreignEntry: true });
  expect(await store.byUrl('https://changing.example/')).toBeNull();
  expect(await store.byId('changing')).toMatchObject({ secret, internalSecret, urls });

  const inner = { urls: ['http://10.1.2.4'], allowPrivate: ['10.1.0.0/16'] };
  expect((await send('PATCH', 'backends/changing', { urls: inner.urls })).status).toBe(400);
  expect((await send('PATCH', 'backends/changing', inner)).status).toBe(200);
  // It still has a URL that needs the range.
  expect((await send('PATCH', 'backends/changing', { allowPrivate: [] })).status).toBe(400);
  expect((await send('PATCH', 'backends/changing', { internalSecret: null })).status).toBe(200);
  expect(await store.byId('changing')).toMatchObject({ internalSecret: null, allowPrivate: ['10.1.0.0/16'], secret });

  await send('POST', 'backends', backend('beside'));
  for (const wrong of [
    { id: 'other' },
    { domain: 'x' },
    { urls: [] },
    { secret: 'short' },
    { secret: null },
    { more: 1 },
  ])
    expect({ wrong, ...(await send('PATCH', 'backends/changing', wrong)) }).toMatchObject({ wrong, status: 400 });
  expect((await send('PATCH', 'backends/changing', { urls: ['https://beside.example'] })).status).toBe(409);
  expect((await send('PATCH', 'backends/nobody', { sessionLimit: 1 })).status).toBe(404);
  const { entries } = auditListSchema.parse((await send('GET', 'audit?limit=20')).json);
  const done = entries.filter(({ action, target }) => action === 'backend.update' && target === 'changing');
  expect(done.map(({ details }) => details)).toEqual([
    { internalSecret: 'removed' },
    { urls: inner.urls, allowPrivate: inner.allowPrivate },
    { urls: changes.urls, secret: 'renewed', sessionLimit: null, foreignEntry: true },
  ]);
  expect(JSON.stringify(entries) + api.logs()).not.toContain(secret);
  await database.close();
});

it('only one of two that come at once gets a URL', async () => {
  const urls = ['https://contested.example'];
  const made = await Promise.all(['a', 'b', 'c'].map((id) => send('POST', 'backends', backend(id, { urls }))));
  expect(made.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
});

it('takes its rooms along when it is removed, and those of nobody else', async () => {
  for (const id of ['leaves', 'stays']) await send('POST', 'backends', backend(id));
  const database = openTestDatabase(api);
  const live = createRedisLive({ replica: brandAs<ReplicaId>('gw-test'), redis: parseRedisTarget(api.redis.url) });
  const rooms = new RoomService(database.uow, live.rooms, { now: () => new Date() }, cryptoIds);
  const domain = brandAs<DomainName>(DOMAIN);
  for (const name of ['one@leaves', 'two@leaves', 'one@stays', 'plain'])
    await rooms.openForBackend(domain, brandAs<RoomName>(name));
  expect((await send('DELETE', 'backends/leaves')).status).toBe(204);
  const open = await database.prisma.room.findMany({ where: { closedAt: null }, orderBy: { name: 'asc' } });
  expect(open.map(({ name }) => name)).toEqual(['one@stays', 'plain']);
  await live.close();
  await database.close();
});

describe('the command', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backends-'));
    await writeFile(join(folder, 'key'), ADMIN_KEY);
    await writeFile(join(folder, 'internal'), 'the internal secret by hand');
    await writeFile(join(folder, 'secret'), `${secretOf('by-hand')}\n`);
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Runs `npm run backends -- ...`; answers what it printed and its exit code. */
  async function command(...args: string[]): Promise<string> {
    const script = join(__dirname, '..', '..', '..', 'tools', 'backends.mjs');
    const remote = ['--admin-url', api.adminUrl, '--admin-key-file', join(folder, 'key')];
    const run = promisify(execFile)(process.execPath, [script, ...args, ...remote]);
    return run.then(
      ({ stdout }) => stdout,
      (error: { code: number; stderr: string }) => `${error.code}: ${error.stderr}`,
    );
  }

  it('changes what is said, and nothing else', async () => {
    const secret = ['--secret-file', join(folder, 'secret'), '--domain', DOMAIN];
    const internal = ['--internal-secret-file', join(folder, 'internal')];
    await command('add', 'by-hand', '--url', 'https://by-hand.example', '--session-limit', '7', ...secret, ...internal);
    await writeFile(join(folder, 'renewed'), 'the secret that comes after it by hand');
    expect(await command('change', 'by-hand')).toMatch(/^1: Say what/);
    const changes = ['--secret-file', join(folder, 'renewed'), '--session-limit', 'none', '--foreign-entry'];
    expect(await command('change', 'by-hand', ...changes)).toMatch(
      /^by-hand is changed: secret, sessionLimit, foreignEntry/,
    );
    const database = openTestDatabase(api);
    const store = createBackendStore(database);
    expect(await store.byId('by-hand')).toMatchObject({
      urls: ['https://by-hand.example/'],
      secret: 'the secret that comes after it by hand',
      internalSecret: 'the internal secret by hand',
      sessionLimit: null,
      foreignEntry: true,
    });
    await command(
      'change',
      'by-hand',
      '--internal-secret-file',
      'none',
      '--no-foreign-entry',
      '--url',
      'https://x.example',
    );
    expect(await store.byId('by-hand')).toMatchObject({
      urls: ['https://x.example/'],
      internalSecret: null,
      foreignEntry: false,
    });
    await database.close();
    expect(await command('change', 'nobody', '--foreign-entry')).toMatch(/^1: There is no backend nobody/);
    expect(
      await command(
        'add',
        'copy',
        '--url',
        'https://y.example',
        '--secret-file',
        join(folder, 'renewed'),
        '--domain',
        DOMAIN,
      ),
    ).toMatch(/^1: .*by-hand has this secret/);
    await command('remove', 'by-hand');
  });

  it('adds, lists and removes', async () => {
    const options = ['--url', 'http://10.0.0.1:81/nc', '--allow-private', '10.0.0.0/8', '--session-limit', '7'];
    const secret = ['--secret-file', join(folder, 'secret'), '--domain', DOMAIN];
    expect(await command('add', 'by-hand', ...options, ...secret)).toContain('http://10.0.0.1:81/nc/');
    expect(await command('list')).toMatch(/^by-hand\t.*at most 7 sessions$/m);
    expect(await command('add', 'by-hand', ...options, ...secret)).toMatch(/^1: .*already/);
    expect(await command('remove', 'by-hand')).toContain('removed');
    expect(await command('remove', 'by-hand')).toMatch(/^1: There is no backend by-hand/);
    expect(await command('add', 'no-secret', ...options)).toMatch(/^1: Say --secret-file|^1: Say --domain/);
    expect(await command()).toMatch(/^1: usage/);
  });
});

it('the gateways are told', async () => {
  const redis = createRedis(api.redis.url, 'subscriber');
  let heard = 0;
  await hearBackendBell(redis, () => (heard += 1));
  const before = heard;
  await send('POST', 'backends', backend('loud'));
  await eventually(() => heard > before, 'the bell after an addition');
  const after = heard;
  await send('PATCH', 'backends/loud', { sessionLimit: 3 });
  await eventually(() => heard > after, 'the bell after a change');
  const between = heard;
  await send('DELETE', 'backends/loud');
  await eventually(() => heard > between, 'the bell after a removal');
  redis.disconnect();
});
