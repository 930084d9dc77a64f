import type { WebhookId } from '@parley/domain';
import { createAccountStores } from '@parley/persistence';
import { ringOutboxBell } from '@parley/server-kit';
import { useWorld } from './world';

const world = useWorld();
/** The sweeper, which would find everything in the end, comes too late for these tests. */
const NO_SWEEP = { WEBHOOKS_SWEEP_MS: '60000' };
/** Two attempts in all. */
const twice = { nextDelay: (attempts: number) => (attempts < 2 ? 10 : null) };
const EVER = { since: new Date(0), until: new Date('2100-01-01T00:00:00Z'), after: 0n, limit: 100 };

/** What the api does when somebody asks for deliveries again. */
const log = () => createAccountStores(world().database).deliveries;
const ring = () => ringOutboxBell(world().redisClient);

async function told(webhook: WebhookId): Promise<string[]> {
  const rows = await world().deliveries(webhook);
  return rows.map(({ state, attempts, tries }) => `${state} ${attempts} ${tries.map(({ number }) => number).join()}`);
}

test('what was given up is sent when it is recovered, in the order of the events, with a schedule of its own', async () => {
  const receiver = await world().receiver();
  const domain = await world().domain();
  const id = await world().webhook(domain, receiver.url, { order: 'fifo' });
  await world().dispatcher(NO_SWEEP, twice);
  receiver.answer({ status: 500 });
  const room = await world().openRoom(domain, 'lost');
  await world().closeRoom(room);
  await world().waitForDeliveries(id, 'failed', 2);
  expect(receiver.requests).toHaveLength(4);

  // It fails once more, so that its own schedule is seen: a third attempt alone would have been its last.
  let answers = 0;
  receiver.answer(() => ({ status: (answers += 1) === 1 ? 500 : 204 }));
  expect(await log().recover(id, EVER)).toEqual({ count: 2, reached: null });
  await ring();
  await world().waitForDeliveries(id, 'delivered', 2);
  const events = receiver.requests.slice(4).map(({ body }) => (JSON.parse(body) as { event: string }).event);
  expect(events).toEqual(['roomCreated', 'roomCreated', 'roomRemoved']);
  expect((await told(id)).toSorted()).toEqual(['delivered 3 1,2,3', 'delivered 4 1,2,3,4']);
});

test('one delivery is sent at once although its next attempt is hours away', async () => {
  const receiver = await world().receiver();
  const domain = await world().domain();
  const id = await world().webhook(domain, receiver.url);
  await world().dispatcher(NO_SWEEP, { nextDelay: () => 3_600_000 });
  receiver.answer({ status: 500 });
  await world().openRoom(domain, 'later');
  await receiver.waitFor(1);
  await world().waitForDeliveries(id, 'pending', 1);
  receiver.answer({ status: 200 });
  const [delivery] = (await log().list(id, {}, { after: null, limit: 1 })).deliveries;
  if (delivery === undefined) throw new Error('there is no delivery');
  await log().resend(delivery.id);
  await ring();
  await world().waitForDeliveries(id, 'delivered', 1);
  expect(receiver.requests.map(({ headers }) => headers['webhook-id'])).toEqual([delivery.id, delivery.id]);
});

test('a replay tells a webhook what happened before it was there, and what it was told already', async () => {
  const [early, receiver] = [await world().receiver(), await world().receiver()];
  const domain = await world().domain();
  await world().webhook(domain, early.url);
  await world().dispatcher(NO_SWEEP, twice);
  for (const name of ['one', 'two']) await world().openRoom(domain, name);
  await early.waitFor(2);
  const id = await world().webhook(domain, receiver.url, { order: 'fifo' });
  await world().openRoom(domain, 'three');
  await receiver.waitFor(1);
  await world().waitForDeliveries(id, 'delivered', 1);
  expect(await log().replay(id, ['room.created'], EVER)).toEqual({ count: 3, reached: null });
  await ring();
  await receiver.waitFor(4);
  await early.waitFor(3);
  const names = receiver.requests.map(({ body }) => (JSON.parse(body) as { roomName: string }).roomName);
  expect([names[0], names.slice(1).toSorted()]).toEqual(['three', ['one', 'three', 'two']]);
  expect(early.requests).toHaveLength(3);
});
