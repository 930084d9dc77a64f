import { deliveryDetailsSchema, deliveryListSchema, deliverySchema, resentSchema } from '@parley/contracts';
import { brandAs, type Resent, type WebhookId } from '@parley/domain';
import { createAccountStores, DELIVERIES_SEEN_PER_PAGE } from '@parley/persistence';
import { createRedis, hearOutboxBell } from '@parley/server-kit';
import { eventually } from '@parley/testing';
import { refusalOf, restClient, type RestClient } from './rest';
import { RestWorld } from './rest-world';
import { DOMAIN, startTestApi, type TestApi } from './running-api';

const RECEIVER = 'http://127.0.0.1:1/hook';
const EVER = { since: '2026-01-01T00:00:00.000Z' };
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

const added = (body: Record<string, unknown> = {}) => world.webhook(call, { url: RECEIVER, ...body });
const webhookId = (id: number) => brandAs<WebhookId>(id);
const inRoom = (room: string) => ({ type: 'room.created', room }) as const;

async function listed(webhook: number, query = '') {
  const { status, json } = await call('GET', `webhooks/${webhook}/deliveries${query}`);
  expect([status, json]).toEqual([200, expect.anything()]);
  return deliveryListSchema.parse(json);
}

async function resent(webhook: number, how: 'recover' | 'replay', body: object) {
  const { status, json } = await call('POST', `webhooks/${webhook}/${how}`, body);
  expect([status, json]).toEqual([202, expect.anything()]);
  return resentSchema.parse(json);
}

describe('deliveries', () => {
  it('are listed newest first, page by page, each one once, also when more are made meanwhile', async () => {
    const { id } = await added({ roomName: 'pages' });
    const events = await world.happens(...Array.from({ length: 5 }, () => inRoom('pages')));
    await world.relayAll();
    const first = await listed(id, '?limit=2');
    const [late] = await world.happens(inRoom('pages'));
    await world.relayAll();
    const seen = [...first.deliveries];
    for (let cursor = first.nextCursor; cursor !== null;) {
      const page = await listed(id, `?limit=2&cursor=${cursor}`);
      seen.push(...page.deliveries);
      cursor = page.nextCursor;
    }
    expect(seen.map(({ eventId }) => eventId)).toEqual(events.toReversed());
    expect((await listed(id)).deliveries[0]).toMatchObject({
      eventId: late,
      webhookId: id,
      event: 'roomCreated',
      domain: DOMAIN,
      roomName: 'pages',
      state: 'pending',
      attempts: 0,
    });
    expect(seen[0]?.id).toMatch(/^dlv_eu-1_[0-9a-f]{32}$/);
  });

  it('are filtered by state, event, room and time', async () => {
    const { id } = await added({ events: ['roomCreated', 'bookingAdded'] });
    const [one, two, three] = await world.happens(inRoom('f-1'), inRoom('f-2'), { type: 'booking.added', room: 'f-1' });
    await world.relayAll();
    await world.became({ webhookId: id, eventId: one ?? '' }, 'delivered');
    const found = async (query: string) => (await listed(id, query)).deliveries.map(({ eventId }) => eventId);
    expect(await found('?state=delivered')).toEqual([one]);
    expect(await found('?event=bookingAdded')).toEqual([three]);
    expect(await found('?room=f-1')).toEqual([three, one]);
    expect(await found('?room=f-1&event=roomCreated&state=pending')).toEqual([]);
    expect(await found('?room=f-2')).toEqual([two]);
    const soon = new Date(Date.now() + 60_000).toISOString();
    expect(await found(`?until=${soon}`)).toHaveLength(3);
    expect(await found(`?since=${soon}`)).toEqual([]);
    for (const query of [
      '?state=x',
      '?event=x',
      '?since=yesterday',
      '?since=0000-01-01T00:00:00Z',
      '?limit=0',
      '?limit=501',
      '?cursor=x',
    ]) {
      const refused = await refusalOf(call('GET', `webhooks/${id}/deliveries${query}`));
      expect([query, refused.code]).toEqual([query, 'invalid_input']);
    }
  });

  it('are looked for a stretch at a time, however many there are; the cursor goes on', async () => {
    const { id } = await added({ events: ['roomCreated', 'bookingAdded'] });
    const [wanted] = await world.happens(inRoom('behind'));
    await world.relayAll();
    await world.database.prisma.$executeRaw`
      WITH noise AS (
        INSERT INTO "OutboxEvent" (id, "domainName", "roomName", seq, type, payload, "onlyWebhookId", "occurredAt", "relayedAt",
          position)
        SELECT 'evt_eu-1_heap' || n, ${DOMAIN}, 'heap', n, 'booking.added', '{}', ${id}::bigint, now(), now(),
          nextval('"OutboxEvent_position_seq"') FROM generate_series(1, ${DELIVERIES_SEEN_PER_PAGE}::int) n
        RETURNING *)
      INSERT INTO "WebhookDelivery" (id, "eventId", "webhookId", "roomName", position, state, "createdAt")
      SELECT 'dlv_' || id, id, ${id}::bigint, "roomName", position, 'delivered', now() + interval '1 minute' FROM noise`;
    for (const query of ['?room=behind', '?event=roomCreated&state=pending']) {
      const first = await listed(id, query);
      expect(first.deliveries).toEqual([]);
      const second = await listed(id, `${query}&cursor=${first.nextCursor}`);
      expect([second.deliveries.map(({ eventId }) => eventId), second.nextCursor]).toEqual([[wanted], null]);
    }
    expect((await listed(id, '?state=pending')).deliveries.map(({ eventId }) => eventId)).toEqual([wanted]);
  });

  it('are shown with their attempts', async () => {
    const { id } = await added({ roomName: 'shown' });
    await world.happens(inRoom('shown'));
    await world.relayAll();
    const [delivery] = (await listed(id)).deliveries;
    const attempt = { deliveryId: delivery?.id ?? '', startedAt: new Date(), durationMs: 5 };
    await world.database.prisma.webhookAttempt.createMany({
      data: [
        { ...attempt, id: 'att_2', number: 2, outcome: 'delivered', status: 204 },
        {
          ...attempt,
          id: 'att_1',
          number: 1,
          outcome: 'failed',
          status: 500,
          error: 'It answered 500.',
          responseExcerpt: 'oops',
        },
      ],
    });
    const shown = deliveryDetailsSchema.parse((await call('GET', `deliveries/${delivery?.id}`)).json);
    expect(shown.history).toMatchObject([
      { number: 1, outcome: 'failed', status: 500, error: 'It answered 500.', responseExcerpt: 'oops' },
      { number: 2, outcome: 'delivered', status: 204, error: null, responseExcerpt: null },
    ]);
    for (const unknown of ['dlv_eu-1_x', '%00']) {
      expect(await refusalOf(call('GET', `deliveries/${unknown}`))).toEqual({
        status: 404,
        code: 'delivery_not_found',
      });
    }
  });
});

describe('sending again', () => {
  it('one delivery: at once, with the whole schedule before it and its attempts kept; not while it is being sent', async () => {
    const { id } = await added({ roomName: 'again' });
    await world.happens(inRoom('again'));
    await world.relayAll();
    const [delivery] = (await listed(id)).deliveries;
    const path = `deliveries/${delivery?.id}/resend`;
    await world.became({ webhookId: id }, 'failed', 10);
    const { status, json } = await call('POST', path);
    expect([status, deliverySchema.parse(json)]).toMatchObject([
      202,
      { state: 'pending', attempts: 10, finishedAt: null },
    ]);
    const [row] = await world.rows(id);
    expect(row).toMatchObject({ attempts: 10, attemptsBefore: 10, lockedUntil: null });
    expect(await world.due(id)).toHaveLength(1);
    const lockedUntil = new Date(Date.now() + 60_000);
    await world.database.prisma.webhookDelivery.updateMany({
      where: { webhookId: BigInt(id) },
      data: { state: 'sending', lockedUntil },
    });
    expect(deliverySchema.parse((await call('POST', path)).json).state).toBe('sending');
    expect((await world.rows(id))[0]).toMatchObject({ state: 'sending', lockedUntil });
  });

  it('wakes the dispatcher', async () => {
    const { id } = await added({ roomName: 'wakes' });
    await world.happens(inRoom('wakes'));
    await world.relayAll();
    const [delivery] = (await listed(id)).deliveries;
    const redis = createRedis(api.redis.url, 'subscriber');
    let rings = 0;
    await hearOutboxBell(redis, () => (rings += 1));
    const heard = async (...asked: Parameters<RestClient>) => {
      const before = rings;
      await call(...asked);
      await eventually(() => rings > before, `the bell after ${asked[1]}`);
    };
    try {
      await heard('POST', `deliveries/${delivery?.id}/resend`);
      await heard('POST', `webhooks/${id}/recover`, EVER);
      await heard('POST', `webhooks/${id}/replay`, EVER);
      await heard('POST', `webhooks/${id}/resume`);
      await heard('POST', `webhooks/${id}/test`);
    } finally {
      redis.disconnect();
    }
  });

  it('all that failed since a time, in the order of the events', async () => {
    const { id } = await added({ roomName: 'recovered' });
    const [old, one, two, three] = await world.happens(...Array.from({ length: 4 }, () => inRoom('recovered')));
    await world.relayAll();
    const before = new Date('2026-03-01T00:00:00.000Z');
    await world.database.prisma.outboxEvent.update({ where: { id: old ?? '' }, data: { occurredAt: before } });
    await world.became({ webhookId: id }, 'failed', 10);
    await world.became({ webhookId: id, eventId: two ?? '' }, 'delivered');
    const since = '2026-03-02T00:00:00.000Z';
    expect(await resent(id, 'recover', { since })).toEqual({ count: 2, nextCursor: null });
    expect(await world.due(id)).toEqual([one, three]);
    expect(await resent(id, 'recover', { since })).toEqual({ count: 0, nextCursor: null });
    expect(await resent(id, 'recover', { ...EVER, until: since })).toEqual({ count: 1, nextCursor: null });
    expect(await world.due(id)).toEqual([one, three, old]);
  });

  it('events it got and events it never got, in their order, only those that concern it', async () => {
    const { id } = await added({ roomName: 'replayed', events: ['roomCreated'] });
    const told = await world.happens(inRoom('replayed'), inRoom('replayed'));
    await world.relayAll();
    await world.became({ webhookId: id }, 'delivered');
    await changeEvents(id, ['peerJoined']);
    const untold = await world.happens(inRoom('replayed'), inRoom('elsewhere'), {
      type: 'room.created',
      room: 'replayed',
      domain: 'other.example',
    });
    await world.relayAll();
    await changeEvents(id, ['roomCreated']);
    expect(await world.rows(id)).toHaveLength(2);
    expect(await resent(id, 'replay', EVER)).toEqual({ count: 3, nextCursor: null });
    expect(await world.due(id)).toEqual([...told, untold[0]]);
    expect(await resent(id, 'replay', { ...EVER, events: ['bookingAdded', 'webhookTest'] })).toEqual({
      count: 0,
      nextCursor: null,
    });
    expect(
      await resent(id, 'replay', { since: new Date(Date.now() + 60_000).toISOString(), until: '2099-01-01T00:00:00Z' }),
    ).toEqual({
      count: 0,
      nextCursor: null,
    });
  });

  it('goes on behind the last one when there are more than one call sends', async () => {
    const { id } = await added({ roomName: 'many' });
    const events = await world.happens(...Array.from({ length: 5 }, () => inRoom('many')));
    await world.relayAll();
    const { deliveries } = createAccountStores(world.database);
    const range = { since: new Date(EVER.since), until: new Date(Date.now() + 60_000), limit: 2 };
    for (const how of ['recover', 'replay'] as const) {
      const counts: number[] = [];
      await world.became({ webhookId: id }, 'failed', 10);
      for (let after: bigint | null = 0n; after !== null;) {
        const done: Resent =
          how === 'recover'
            ? await deliveries.recover(webhookId(id), { ...range, after })
            : await deliveries.replay(webhookId(id), ['room.created'], { ...range, after });
        counts.push(done.count);
        after = done.reached;
      }
      expect([how, counts, (await world.due(id)).toSorted()]).toEqual([how, [2, 2, 1], events.toSorted()]);
    }
  });

  it('leaves alone what is just being sent, and trouble of the webhook itself', async () => {
    const { id } = await added({ roomName: 'busy', events: ['roomCreated', 'webhookAlert'] });
    await world.happens(inRoom('busy'));
    await world.relayAll();
    await world.database.prisma.webhookDelivery.updateMany({
      where: { webhookId: BigInt(id) },
      data: { state: 'sending' },
    });
    await world.alert(id);
    await world.relayAll();
    expect(await resent(id, 'replay', EVER)).toEqual({ count: 0, nextCursor: null });
    expect(await world.rows(id)).toMatchObject([{ state: 'sending' }]);
  });

  it.each([
    [{}],
    [{ since: 'x' }],
    [{ since: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' }],
    [{ ...EVER, cursor: 'x' }],
    [{ ...EVER, events: [] }],
    [{ ...EVER, events: ['x'] }],
    [{ ...EVER, more: 1 }],
  ])('is not asked with %j', async (body) => {
    const { id } = await added({ roomName: 'wrong' });
    expect((await refusalOf(call('POST', `webhooks/${id}/replay`, body))).code).toBe('invalid_input');
  });

  async function changeEvents(id: number, events: string[]) {
    expect((await call('PATCH', `webhooks/${id}`, { events })).status).toBe(200);
  }
});
