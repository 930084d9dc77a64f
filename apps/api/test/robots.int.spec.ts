import { createRobotTicketVerifier, createTicketVerifier, ticketPublicKey } from '@parley/server-kit';
import { brandAs, connectKeyHash, type RobotId } from '@parley/domain';
import { TICKETS_PER_MINUTE } from '../src/robots/robot-tickets.service';
import { type Credentials, DOMAIN, openTestDatabase, signedHeaders, startTestApi, type TestApi } from './running-api';

const FAILURES = 12;
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ API_FAILURES_PER_MINUTE_PER_ADDRESS: String(FAILURES), TRUSTED_PROXIES: '127.0.0.1' });
});
afterAll(() => api.close());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function answered(response: Response): Promise<Answer> {
  const text = await response.text();
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  return { status: response.status, headers: response.headers, body };
}

/** A signed call of an account. */
async function call(who: Credentials, method: string, path: string, data?: unknown): Promise<Answer> {
  const body = data === undefined ? '' : JSON.stringify(data);
  const headers = signedHeaders(who, path, body, Date.now(), method);
  return answered(await fetch(`${api.url}${path}`, { method, headers, ...(body === '' ? {} : { body }) }));
}

async function create(who = api.demo, domain = DOMAIN, name = 'a robot') {
  const { status, body } = await call(who, 'POST', '/v1/robots', { domain, name });
  expect(status).toBe(201);
  return body as { robotId: number; connectKey: string };
}

/** As the robot itself, from its own address. */
async function ticket(id: number | string, authorization?: string, from = '192.0.2.1'): Promise<Answer> {
  const headers = { 'x-forwarded-for': from, ...(authorization === undefined ? {} : { authorization }) };
  return answered(await fetch(`${api.url}/v1/robots/${id}/tickets`, { method: 'POST', headers }));
}

it('a robot is made with a connect key that is shown once, listed, found and removed', async () => {
  const { robotId, connectKey, ...rest } = await create();
  expect(rest).toEqual({ domain: DOMAIN, name: 'a robot', createdAt: expect.stringMatching(/Z$/) as unknown });
  expect(robotId % 1024).toBe(1);
  expect(connectKey).toMatch(/^rk_[0-9a-f]{64}$/);
  const shown = { robotId, ...rest };
  for (const path of ['/v1/robots', `/v1/robots?domain=${DOMAIN}`]) {
    expect((await call(api.demo, 'GET', path)).body).toEqual({ robots: [shown] });
  }
  expect((await call(api.demo, 'GET', `/v1/robots/${robotId}`)).body).toEqual(shown);
  const database = openTestDatabase(api);
  const row = await database.prisma.robot.findUniqueOrThrow({ where: { id: BigInt(robotId) } });
  await database.close();
  expect(row.connectKeyHash).toBe(connectKeyHash(connectKey));
  expect(JSON.stringify(row, (_name, value: unknown) => (typeof value === 'bigint' ? '' : value))).not.toContain(
    connectKey,
  );
  expect(api.logs()).not.toContain(connectKey);
  expect((await call(api.demo, 'DELETE', `/v1/robots/${robotId}`)).status).toBe(204);
  expect((await call(api.demo, 'DELETE', `/v1/robots/${robotId}`)).status).toBe(404);
  expect((await call(api.demo, 'GET', '/v1/robots')).body).toEqual({ robots: [] });
  expect((await ticket(robotId, `Bearer ${connectKey}`)).status).toBe(401);
});

it('gets tickets of a kind of their own with its connect key, and another key makes that one void', async () => {
  const { robotId, connectKey } = await create();
  const asked = Date.now();
  const { status, headers, body } = await ticket(robotId, `Bearer ${connectKey}`);
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body).toMatchObject({ authUrl: 'http://parley.example/tickets', url: 'ws://parley.example/spreed' });
  const publicKeys = [ticketPublicKey(api.ticketKey)];
  const now = new Date();
  const verified = await createRobotTicketVerifier({ publicKeys }).verify(String(body.ticket), now);
  expect(verified).toMatchObject({ ok: true, value: { robot: robotId, domain: DOMAIN, region: 'eu-1' } });
  expect((await createTicketVerifier({ publicKeys }).verify(String(body.ticket), now)).ok).toBe(false);
  const expiresAt = Date.parse(String(body.expiresAt));
  expect(expiresAt - asked).toBeGreaterThan(55_000);
  expect(expiresAt - Date.now()).toBeLessThanOrEqual(60_000);

  const replaced = await call(api.demo, 'POST', `/v1/robots/${robotId}/connect-key`);
  expect(replaced).toMatchObject({ status: 200, body: { robotId } });
  expect(replaced.body.connectKey).not.toBe(connectKey);
  expect((await ticket(robotId, `Bearer ${connectKey}`)).status).toBe(401);
  expect((await ticket(robotId, `Bearer ${String(replaced.body.connectKey)}`)).status).toBe(200);
  await call(api.demo, 'DELETE', `/v1/robots/${robotId}`);
});

it('who guesses connect keys is soon not listened to, from that address only', async () => {
  const { robotId, connectKey } = await create();
  const wrong = `Bearer rk_${'0'.repeat(64)}`;
  const from = '198.51.100.7';
  const guesses = [
    undefined,
    'Basic x',
    `Bearer ${connectKey}x`,
    `Bearer ${connectKey} x`,
    wrong,
    `Bearer ${'x'.repeat(9_000)}`,
  ];
  for (const guess of guesses) expect([guess, (await ticket(robotId, guess, from)).status]).toEqual([guess, 401]);
  // No id that is none either, nor one of somebody else.
  const other = await create(api.other, 'other.example');
  for (const id of [other.robotId, robotId + 1024 * 50, 'x', '-1', '1.5', '99999999999999999999']) {
    expect([id, (await ticket(id, `Bearer ${connectKey}`, from)).status]).toEqual([id, 401]);
  }
  const refused = await ticket(robotId, `Bearer ${connectKey}`, from);
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await ticket(robotId, `Bearer ${connectKey}`, '198.51.100.8')).status).toBe(200);
  await call(api.demo, 'DELETE', `/v1/robots/${robotId}`);
});

it('a robot that asks for tickets on and on is told to wait; others are not', async () => {
  const [hasty, calm] = [await create(), await create()];
  const ask = ({ robotId, connectKey }: typeof hasty) => ticket(robotId, `Bearer ${connectKey}`, '198.51.100.9');
  const answers = await Promise.all(Array.from({ length: TICKETS_PER_MINUTE + 5 }, () => ask(hasty)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(TICKETS_PER_MINUTE);
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(5);
  expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await ask(calm)).status).toBe(200);
  for (const { robotId } of [hasty, calm]) await call(api.demo, 'DELETE', `/v1/robots/${robotId}`);
});

it('a tenant reaches no robot of another one, by any call', async () => {
  const { robotId } = await create();
  const strange = [
    await call(api.other, 'POST', '/v1/robots', { domain: DOMAIN, name: 'mine' }),
    await call(api.other, 'GET', `/v1/robots?domain=${DOMAIN}`),
    await call(api.other, 'GET', `/v1/robots/${robotId}`),
    await call(api.other, 'POST', `/v1/robots/${robotId}/connect-key`),
    await call(api.other, 'DELETE', `/v1/robots/${robotId}`),
    await call(api.other, 'POST', '/v1/webhooks', { domain: 'other.example', type: 'robot', robotId }),
  ];
  expect(strange.map(({ status }) => status)).toEqual(Array(strange.length).fill(404));
  expect((await call(api.other, 'GET', '/v1/robots')).body).not.toMatchObject({ robots: [{ robotId }] });
  expect((await call(api.demo, 'GET', `/v1/robots/${robotId}`)).status).toBe(200);
  // Nobody without credentials either: only tickets are for robots themselves.
  for (const method of ['GET', 'DELETE']) {
    expect((await fetch(`${api.url}/v1/robots/${robotId}`, { method })).status).toBe(401);
  }
  await call(api.demo, 'DELETE', `/v1/robots/${robotId}`);
});

it('refuses names and domains that are none, and more than 100 robots', async () => {
  for (const body of [{}, { domain: DOMAIN }, { domain: DOMAIN, name: ' ' }, { domain: DOMAIN, name: 'a\u0000b' }]) {
    expect((await call(api.demo, 'POST', '/v1/robots', body)).status).toBe(400);
  }
  expect((await call(api.demo, 'POST', '/v1/robots', { domain: 'no.example', name: 'x' })).status).toBe(404);
  const database = openTestDatabase(api);
  const row = (n: number) => ({ id: BigInt(5_000_000 + n), domainName: 'other.example', name: 'x' });
  const there = await database.prisma.robot.count({ where: { domainName: 'other.example', removedAt: null } });
  await database.prisma.robot.createMany({ data: Array.from({ length: 99 - there }, (_unused, n) => row(n)) });
  const tries = Array.from({ length: 4 }, () =>
    call(api.other, 'POST', '/v1/robots', { domain: 'other.example', name: 'x' }),
  );
  const statuses = (await Promise.all(tries)).map(({ status }) => status).sort();
  expect(statuses).toEqual([201, 403, 403, 403]);
  await database.close();
});

it('its webhooks go with it, over both APIs', async () => {
  const { robotId } = await create();
  const added = await call(api.demo, 'POST', '/v1/webhooks', { domain: DOMAIN, type: 'robot', robotId, order: 'fifo' });
  expect(added).toMatchObject({ status: 201, body: { state: 'active', robotId, secret: null, detailed: true } });
  const path = `/v1/webhooks/${String(added.body.id)}`;
  expect((await call(api.demo, 'GET', path)).status).toBe(200);
  await call(api.demo, 'DELETE', `/v1/robots/${robotId}`);
  expect((await call(api.demo, 'GET', path)).status).toBe(404);
  const gone = { domain: DOMAIN, type: 'robot', robotId };
  expect((await call(api.demo, 'POST', '/v1/webhooks', gone)).body).toMatchObject({ code: 'robot_not_found' });
});

it('the robot of a disabled account gets no tickets', async () => {
  const { robotId, connectKey } = await create(api.demo);
  const database = openTestDatabase(api);
  const marks = () => database.stores.robots.keyMarks([brandAs<RobotId>(robotId)]);
  expect((await marks()).size).toBe(1);
  await database.prisma.account.updateMany({ where: { authId: 'demo' }, data: { disabledAt: new Date() } });
  expect((await ticket(robotId, `Bearer ${connectKey}`)).status).toBe(401);
  expect((await marks()).size).toBe(0);
  await database.prisma.account.updateMany({ where: { authId: 'demo' }, data: { disabledAt: null } });
  expect((await ticket(robotId, `Bearer ${connectKey}`)).status).toBe(200);
  await database.close();
});
