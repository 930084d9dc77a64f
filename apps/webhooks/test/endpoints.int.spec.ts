import { type WebhookId } from '@parley/domain';
import { wellAgain } from '@parley/persistence';
import { eventually } from '@parley/testing';
import { fetch } from 'undici';
import { openAndClose } from './ledger';
import { useWorld } from './world';

const world = useWorld();
const BREAKERS = { WEBHOOKS_BREAKER_MS: '100', METRICS_PORT: '0' };
/** So late that only new events are attempted. */
const later = { nextDelay: () => 3_600_000 };

const breakerOf = async (id: WebhookId) => (await world().webhookRow(id)).breaker;
const waitForBreaker = (id: WebhookId, state: string) =>
  eventually(async () => (await breakerOf(id)) === state, `the breaker to be ${state}`, 20_000);
/** As if so much time had passed since the breaker opened. */
const pass = (id: WebhookId, seconds: number) =>
  world().database.prisma.$executeRaw`
    UPDATE "Webhook" SET "breakerSince" = "breakerSince" - ${seconds}::int * interval '1 s' WHERE id = ${id}::bigint`;

describe('an endpoint that fails', () => {
  test('is left alone, what waits for it loses no attempt, and it is told everything when it is well again', async () => {
    const domain = await world().domain();
    const receiver = await world().receiver();
    receiver.answer({ status: 500 });
    const id = await world().webhook(domain, receiver.url);
    await world().dispatcher(BREAKERS, later);
    await openAndClose(world(), domain, 5);
    await receiver.waitFor(10);
    await waitForBreaker(id, 'open');
    await openAndClose(world(), domain, 5, 5);
    await eventually(async () => (await world().deliveries(id)).length === 20, 'the relay to have made 20 deliveries');
    await pass(id, 30);
    await receiver.waitFor(11);
    await eventually(async () => (await world().webhookRow(id)).breakerTrips === 2, 'the trial to fail');
    receiver.answer({});
    await pass(id, 60);
    await world().waitForDeliveries(id, 'delivered', 9);
    expect(receiver.requests).toHaveLength(11 + 9);
    expect(await world().webhookRow(id)).toMatchObject({ breaker: 'closed', breakerTrips: 0 });
    const told = (await world().deliveries(id)).filter(({ state }) => state === 'delivered');
    expect(told.map(({ attempts }) => attempts)).toEqual(Array(9).fill(1));
  });

  test('is disabled after ten vain trials, and the webhooks beside it hear of that', async () => {
    const domain = await world().domain();
    const [failing, other] = [await world().receiver(), await world().receiver()];
    failing.answer({ status: 500 });
    const id = await world().webhook(domain, failing.url);
    const beside = await world().webhook(domain, other.url);
    const { prisma } = world().database;
    await prisma.webhook.update({ where: { id: beside }, data: { events: ['webhook.alert'], detailed: true } });
    await prisma.webhook.update({
      where: { id },
      data: { breaker: 'open', breakerSince: new Date(), breakerTrips: 9, alertedPercent: 70 },
    });
    await world().dispatcher(BREAKERS, later);
    await other.waitFor(1);
    await openAndClose(world(), domain, 1);
    await pass(id, 100_000);
    await other.waitFor(2);
    const alerts = other.requests.map(({ body }) => JSON.parse(body) as { event: string; alert: unknown });
    expect(alerts.map(({ event }) => event)).toEqual(['webhookAlert', 'webhookAlert']);
    expect(alerts.map(({ alert }) => alert)).toEqual([
      { webhookId: id, reason: 'failing', percent: 90 },
      { webhookId: id, reason: 'disabled', percent: 100 },
    ]);
    expect(await world().webhookRow(id)).toMatchObject({ disabledReason: 'failures' });
    failing.answer({});
    await prisma.webhook.update({ where: { id }, data: wellAgain(new Date()) });
    await world().waitForDeliveries(id, 'delivered', 1);
  });

  test('that is paused is told nothing, and everything in order when it goes on', async () => {
    const domain = await world().domain();
    const receiver = await world().receiver();
    const id = await world().webhook(domain, receiver.url, { order: 'fifo' });
    const { prisma } = world().database;
    await prisma.webhook.update({ where: { id }, data: { pausedAt: new Date() } });
    await world().dispatcher();
    await openAndClose(world(), domain, 3);
    await eventually(async () => (await world().deliveries(id)).length === 6, 'six deliveries to wait');
    expect(receiver.requests).toHaveLength(0);
    await prisma.webhook.update({ where: { id }, data: { pausedAt: null } });
    await world().waitForDeliveries(id, 'delivered', 6);
    const heard = receiver.requests.map(
      ({ headers }) => `${headers['x-parley-room-session-id']} ${headers['x-parley-seq']}`,
    );
    const rooms = [...new Set(heard.map((line) => line.split(' ')[0]))];
    for (const room of rooms) {
      expect(heard.filter((line) => line.startsWith(`${room} `))).toEqual([`${room} 1`, `${room} 2`]);
    }
  });
});

test('what operators see', async () => {
  const domain = await world().domain();
  const receiver = await world().receiver();
  receiver.answer(() => ({ status: receiver.requests.length === 1 ? 429 : 200 }));
  const id = await world().webhook(domain, receiver.url);
  const { metricsPort } = await world().dispatcher(BREAKERS, { nextDelay: () => 20 });
  await world().openRoom(domain, 'seen');
  await world().waitForDeliveries(id, 'delivered', 1);
  const text = async (): Promise<string> => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  // What an attempt counts it counts when its outcome is kept, a moment later.
  const counted = ['parley_webhook_endpoints{', 'parley_webhook_latency_seconds_count{'];
  await eventually(async () => {
    const now = await text();
    return counted.every((name) => now.includes(name));
  }, text);
  const said = await text();
  expect(said).toMatch(/parley_webhook_attempt_seconds_count\{.*outcome="4xx".*\} 1/);
  expect(said).toMatch(/parley_webhook_attempt_seconds_count\{.*outcome="2xx".*\} 1/);
  expect(said).toMatch(/parley_webhook_latency_seconds_count\{.*attempt="later".*\} 1/);
  expect(said).toMatch(/parley_webhook_oldest_undelivered_seconds\{.*\} \d/);
  for (const state of [
    'closed',
    'half_open',
    'open',
    'paused',
    'suspended',
    'disabled',
    'unproven',
    'account_disabled',
  ]) {
    expect(said).toMatch(new RegExp(`parley_webhook_endpoints\\{.*state="${state}".*\\} \\d`));
  }
  // Nobody's names: they are unbounded, and customers' data.
  expect(said).not.toContain(domain);
  expect(said).not.toContain(receiver.url);
});
