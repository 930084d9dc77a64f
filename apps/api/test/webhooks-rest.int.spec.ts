import {
  rotatedSecretSchema,
  webhookDetailsSchema,
  webhookListSchema,
  webhookSchema,
  webhookSecretListSchema,
  webhookValidationListSchema,
} from '@parley/contracts';
import { eventually } from '@parley/testing';
import { refusalOf, restClient, type RestClient } from './rest';
import { RestWorld } from './rest-world';
import { backEnd, DOMAIN, startTestApi, type TestApi } from './running-api';

const RECEIVER = 'http://127.0.0.1:1/hook';
let api: TestApi;
let world: RestWorld;
let call: RestClient;
beforeAll(async () => {
  api = await startTestApi();
  world = new RestWorld(api);
  call = restClient(api.url, api.demo);
});
afterAll(async () => {
  await world.close();
  await api.close();
});

const details = async (id: number) => webhookDetailsSchema.parse((await call('GET', `webhooks/${id}`)).json);
const changed = async (...asked: Parameters<RestClient>) => webhookSchema.parse((await call(...asked)).json);

describe('a webhook', () => {
  it('is added with a secret that is shown once, proves itself, and is told as it asked', async () => {
    const made = await world.webhook(call, {
      url: RECEIVER,
      roomName: 'r',
      events: ['peerJoined', 'roomCreated', 'peerJoined'],
      order: 'fifo',
    });
    expect(made).toMatchObject({
      domain: DOMAIN,
      type: 'url',
      url: RECEIVER,
      robotId: null,
      roomName: 'r',
      events: ['peerJoined', 'roomCreated'],
      order: 'fifo',
      state: 'active',
      validated: true,
      detailed: true,
      breaker: 'closed',
      failingPercent: 0,
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/) as unknown,
    });
    const shown = await details(made.id);
    expect(shown.deliveries).toEqual({ waiting: 0, oldestWaitingSince: null, deliveredLastDay: 0, failedLastDay: 0 });
    expect(shown).not.toHaveProperty('secret');
    const list = webhookListSchema.parse((await call('GET', `webhooks?domain=${DOMAIN}`)).json);
    expect(list.webhooks.map(({ id }) => id)).toContain(made.id);
    const rows = await world.database.prisma.webhookSecret.findMany();
    expect(JSON.stringify([rows.map(({ secretSealed }) => secretSealed), api.logs()])).not.toContain(made.secret);
  });

  it('of the xroom API is managed here as well, with the key of its domain', async () => {
    const settling = world.settleHandshakes();
    const { data } = await backEnd(api.url, api.demo)('webhook/add', {
      domain: DOMAIN,
      type: 'url',
      url: `${RECEIVER}?x`,
    });
    await settling.stop();
    const { id } = data as { id: number };
    expect(await details(id)).toMatchObject({
      events: ['roomCreated', 'roomRemoved'],
      detailed: false,
      state: 'active',
    });
    expect(webhookSecretListSchema.parse((await call('GET', `webhooks/${id}/secrets`)).json).secrets).toEqual([]);
    expect((await call('DELETE', `webhooks/${id}`)).status).toBe(204);
    expect(await refusalOf(call('GET', `webhooks/${id}`))).toEqual({ status: 404, code: 'webhook_not_found' });
  });

  it('is changed; at another URL it has to prove itself, and a handshake at the old one counts for nothing', async () => {
    const { id } = await world.webhook(call, { url: RECEIVER });
    expect(
      await changed('PATCH', `webhooks/${id}`, { events: ['bookingExpired'], order: 'fifo', roomName: 'x' }),
    ).toMatchObject({
      events: ['bookingExpired'],
      order: 'fifo',
      roomName: 'x',
      validated: true,
      state: 'active',
    });
    expect(await changed('PATCH', `webhooks/${id}`, {})).toMatchObject({ order: 'fifo', roomName: 'x' });
    // Its own URL once more changes nothing, so nobody waits for a handshake.
    expect(await changed('PATCH', `webhooks/${id}`, { url: RECEIVER, roomName: null })).toMatchObject({
      validated: true,
      roomName: null,
    });
    const where = { id: BigInt(id) };
    await world.database.prisma.webhook.update({
      where,
      data: { validationLockedUntil: new Date(Date.now() + 60_000), breaker: 'open', breakerTrips: 9 },
    });
    const moving = call('PATCH', `webhooks/${id}`, { url: `${RECEIVER}/2` });
    const settling = world.settleHandshakes();
    expect(webhookSchema.parse((await moving).json)).toMatchObject({ url: `${RECEIVER}/2`, validated: true });
    await settling.stop();
    const row = await world.database.prisma.webhook.findUniqueOrThrow({ where });
    expect(row).toMatchObject({ validationCause: 'url_changed', validationLockedUntil: null });
    // Nor is the new one waited for because the old one failed.
    expect(row).toMatchObject({ breaker: 'closed', breakerTrips: 0 });
  });

  it('is paused by its owner, and resumed, also after we disabled it', async () => {
    const { id } = await world.webhook(call, { url: RECEIVER });
    const paused = await changed('POST', `webhooks/${id}/pause`);
    expect(paused).toMatchObject({ state: 'paused', pausedAt: expect.any(String) as unknown });
    expect((await changed('POST', `webhooks/${id}/pause`)).pausedAt).toBe(paused.pausedAt);
    await world.database.prisma.webhook.update({
      where: { id: BigInt(id) },
      data: {
        disabledAt: new Date(),
        disabledReason: 'It said 410.',
        breaker: 'open',
        breakerTrips: 9,
        alertedPercent: 90,
      },
    });
    expect(await details(id)).toMatchObject({
      state: 'disabled',
      disabledReason: 'It said 410.',
      breaker: 'open',
      failingPercent: 90,
    });
    expect(await refusalOf(call('POST', `webhooks/${id}/test`))).toEqual({ status: 409, code: 'webhook_not_ready' });
    expect(await changed('POST', `webhooks/${id}/resume`)).toMatchObject({
      state: 'active',
      pausedAt: null,
      disabledAt: null,
      disabledReason: null,
      breaker: 'closed',
    });
    const row = await world.database.prisma.webhook.findUniqueOrThrow({ where: { id: BigInt(id) } });
    expect(row).toMatchObject({ breakerTrips: 0, alertedPercent: 0 });
  });

  it('is tested: a test event is delivered to it and to nobody else, and is no event of the domain', async () => {
    const one = await world.webhook(call, { url: RECEIVER });
    const other = await world.webhook(call, { url: RECEIVER });
    const { status, json } = await call('POST', `webhooks/${one.id}/test`);
    expect(status).toBe(202);
    const { eventId } = json as { eventId: string };
    await world.relayAll();
    expect((await world.rows(one.id)).map((row) => row.eventId)).toEqual([eventId]);
    expect(await world.rows(other.id)).toEqual([]);
    expect(JSON.stringify((await call('GET', `events?domain=${DOMAIN}`)).json)).not.toContain(eventId);
  });

  it('that has not proved itself is sent nothing', async () => {
    const { id } = await world.webhook(call, { url: RECEIVER });
    await world.database.prisma.webhook.update({
      where: { id: BigInt(id) },
      data: { validated: false, provenAt: null },
    });
    expect((await details(id)).state).toBe('pending');
    const since = new Date(0).toISOString();
    for (const path of ['test', 'recover', 'replay']) {
      const body = path === 'test' ? undefined : { since };
      const refused = await refusalOf(call('POST', `webhooks/${id}/${path}`, body));
      expect([path, refused.code]).toEqual([path, 'webhook_not_ready']);
    }
  });

  it('shows its handshakes, newest first', async () => {
    const { id } = await world.webhook(call, { url: RECEIVER });
    const of = (at: string, passed: boolean) => ({
      id: `val_${id}_${at}`,
      webhookId: BigInt(id),
      cause: passed ? 'added' : 'periodic',
      startedAt: new Date(at),
      durationMs: 12,
      passed,
      status: passed ? 200 : null,
      error: passed ? null : 'no answer',
    });
    await world.database.prisma.webhookValidation.createMany({
      data: [of('2026-11-20T00:00:00.000Z', true), of('2026-11-21T00:00:00.000Z', false)],
    });
    const { validations } = webhookValidationListSchema.parse((await call('GET', `webhooks/${id}/validations`)).json);
    expect(validations.map(({ cause, passed, error }) => [cause, passed, error])).toEqual([
      ['periodic', false, 'no answer'],
      ['added', true, null],
    ]);
  });

  it('proves itself on demand', async () => {
    const { id } = await world.webhook(call, { url: RECEIVER });
    const settling = world.settleHandshakes();
    expect((await call('POST', `webhooks/${id}/validate`)).json).toEqual({
      validated: true,
      lastValidationError: null,
    });
    await settling.stop();

    // While nobody has answered, what came of the last one is still shown, and not taken for this one's.
    const last = { lastValidationAt: new Date('2026-01-01T00:00:00Z'), lastValidationError: 'It answered 500.' };
    await world.database.prisma.webhook.update({ where: { id: BigInt(id) }, data: last });
    const asking = call('POST', `webhooks/${id}/validate`);
    await eventually(
      async () => (await world.database.prisma.webhook.findUnique({ where: { id: BigInt(id) } }))?.handshakeAwaited,
      'the handshake to be asked for',
    );
    expect(await details(id)).toMatchObject({ ...last, lastValidationAt: last.lastValidationAt.toISOString() });
    expect((await asking).json).toEqual({ validated: false, lastValidationError: null });
  });

  it('gets another secret; the one before signs for as long as asked', async () => {
    const { id, secret } = await world.webhook(call, { url: RECEIVER });
    const rotated = rotatedSecretSchema.parse((await call('POST', `webhooks/${id}/secret/rotate`)).json);
    expect(rotated.secret).not.toBe(secret);
    const hours = (Date.parse(rotated.formerSignsUntil ?? '') - Date.now()) / 3_600_000;
    expect(Math.round(hours)).toBe(24);
    const listed = await call('GET', `webhooks/${id}/secrets`);
    const { secrets } = webhookSecretListSchema.parse(listed.json);
    expect(secrets.map(({ signsUntil }) => signsUntil)).toEqual([null, rotated.formerSignsUntil]);
    expect(JSON.stringify(listed.json)).not.toContain('whsec_');
    const at = await call('POST', `webhooks/${id}/secret/rotate`, { overlapHours: 0 });
    expect(rotatedSecretSchema.parse(at.json).formerSignsUntil).toBeNull();
    expect(await refusalOf(call('POST', `webhooks/${id}/secret/rotate`, { overlapHours: 169 }))).toEqual({
      status: 400,
      code: 'invalid_input',
    });
  });

  it.each([
    [{ type: 'url', url: 'ftp://x.example' }, 'webhook_url_not_allowed'],
    [{ type: 'url', url: 'https://u:p@x.example/' }, 'webhook_url_not_allowed'],
    [{ type: 'url', url: 'https://x.example/\0' }, 'webhook_url_not_allowed'],
    [{ type: 'url', url: 'https://x.example/\ud800' }, 'webhook_url_not_allowed'],
    [{ type: 'url' }, 'invalid_input'],
    [{ type: 'url', url: RECEIVER, robotId: 1 }, 'invalid_input'],
    [{ type: 'url', url: RECEIVER, events: [] }, 'invalid_input'],
    [{ type: 'url', url: RECEIVER, events: ['webhookTest'] }, 'invalid_input'],
    [{ type: 'url', url: RECEIVER, order: 'random' }, 'invalid_input'],
    [{ type: 'url', url: RECEIVER, roomName: 'a/b' }, 'invalid_input'],
    [{ type: 'url', url: RECEIVER, domain: 'not a domain' }, 'invalid_input'],
    [{ type: 'robot', robotId: 5 }, 'robot_not_found'],
    ['{', 'invalid_input'],
  ])('%j is none', async (body, code) => {
    const asked = typeof body === 'string' ? body : { domain: DOMAIN, ...body };
    expect((await refusalOf(call('POST', 'webhooks', asked))).code).toBe(code);
  });

  it.each(['0', '-1', '1.5', 'x', '99999999999999999999', '%00', '1e3'])('has no such id: %s', async (id) => {
    expect(await refusalOf(call('GET', `webhooks/${id}`))).toEqual({ status: 404, code: 'webhook_not_found' });
  });

  it('is listed by a query that says which domain, and nothing else', async () => {
    for (const query of [
      '',
      '?domain=',
      `?domain=${DOMAIN}&x=1`,
      `?domain=${DOMAIN}&domain=${DOMAIN}`,
      '?domain=a%20b',
    ]) {
      const refused = await refusalOf(call('GET', `webhooks${query}`));
      expect([query, refused]).toEqual([query, { status: 400, code: 'invalid_input' }]);
    }
  });
});

it("a domain's webhook key is rotated by its account", async () => {
  const { status, json } = await call('POST', `domains/${DOMAIN}/webhook-key/rotate`, { overlapHours: 1 });
  expect([status, json]).toEqual([
    200,
    { webhookKey: expect.any(String) as unknown, formerSignsUntil: expect.any(String) as unknown },
  ]);
  expect(await refusalOf(call('POST', 'domains/none.example/webhook-key/rotate'))).toEqual({
    status: 404,
    code: 'domain_not_found',
  });
});
