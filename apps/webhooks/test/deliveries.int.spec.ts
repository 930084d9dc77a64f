import { createHmac } from 'node:crypto';
import { wellAgain } from '@parley/persistence';
import { eventually, type ReceivedRequest } from '@parley/testing';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { ANSWER_NOT_KEPT } from '../src/delivery/payload';
import { useWorld, WEBHOOK_KEY } from './world';

const world = useWorld();
const soon = { nextDelay: (attempts: number) => (attempts < 10 ? 20 : null) };
/** Written after the README, without our own code. */
const derivedKey = (key: string): Buffer => createHmac('sha256', 'parley-webhook-body-v1').update(key).digest();
const bodyOf = (request: ReceivedRequest): unknown => JSON.parse(request.body);
const eventOf = (request: ReceivedRequest): string => {
  const { event, roomName } = JSON.parse(request.body) as { event: string; roomName: string };
  return `${roomName} ${event}`;
};

describe('deliveries', () => {
  test('tell of a room as Appendix C says, secrets filled in at the end', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, `${receiver.url}/hook?a=1`);
    await world().dispatcher();
    const room = await world().openRoom(domain, 'board', { password: 'geheim', hostKey: 'hk-1' });
    await receiver.waitFor(1);
    await world().closeRoom(room);
    await receiver.waitFor(2);
    expect(receiver.requests.map(bodyOf)).toEqual([
      {
        id,
        event: 'roomCreated',
        domain,
        roomName: 'board',
        options: { type: 1, capacity: 25, isLocked: false, password: 'geheim', hostKey: 'hk-1' },
      },
      { id, event: 'roomRemoved', domain, roomName: 'board' },
    ]);
    expect(receiver.requests[0]).toMatchObject({ method: 'POST', url: '/hook?a=1' });
    expect(receiver.requests[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'parley' });
    const stored = await world().database.prisma.outboxEvent.findMany({ where: { domainName: domain } });
    expect(JSON.stringify(stored.map(({ payload }) => payload))).not.toMatch(/geheim|hk-1/);
  });

  test('of secrets leave nothing behind, also when a receiver sends back what it was sent', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    receiver.answer(({ body }) => ({ body: `You said: ${body}` }));
    await world().dispatcher();
    const room = await world().openRoom(domain, 'echo', { password: 'ge"heim', hostKey: 'hk-1' });
    await world().waitForDeliveries(id, 'delivered', 1);
    await world().closeRoom(room);
    await world().waitForDeliveries(id, 'delivered', 2);
    const kept = (await world().deliveries(id)).map(({ tries }) => tries[0]?.responseExcerpt);
    expect(kept).toEqual([ANSWER_NOT_KEPT, expect.stringContaining('roomRemoved')]);
  });

  test('leave out secrets a room does not have', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    await world().webhook(domain, receiver.url);
    await world().dispatcher();
    await world().openRoom(domain, 'plain');
    expect(bodyOf(await receiver.waitFor(1))).toMatchObject({ options: { type: 1, capacity: 25, isLocked: false } });
    expect(receiver.requests[0]?.body).not.toMatch(/password|hostKey/);
  });

  test('are repeated under one webhook-id until they succeed, each signed anew', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    receiver.answer(() => ({ status: receiver.requests.length < 3 ? 503 : 204 }));
    await world().dispatcher({}, soon);
    await world().openRoom(domain, 'again');
    await world().waitForDeliveries(id, 'delivered', 1);

    const [delivery] = await world().deliveries(id);
    expect(delivery?.tries.map(({ number, status, error }) => ({ number, status, error }))).toEqual([
      { number: 1, status: 503, error: 'The receiver answered 503.' },
      { number: 2, status: 503, error: 'The receiver answered 503.' },
      { number: 3, status: 204, error: null },
    ]);
    const independent = new StandardWebhook(derivedKey(WEBHOOK_KEY), { format: 'raw' });
    expect(receiver.requests).toHaveLength(3);
    for (const { body, headers } of receiver.requests) {
      expect(headers['webhook-id']).toBe(delivery?.id);
      expect(independent.verify(body, headers)).toEqual(JSON.parse(body));
      expect(() => independent.verify(`${body} `, headers)).toThrow();
    }
  });

  test('go to webhooks that are validated, not removed, and listen to the room', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const other = await world().domain();
    const all = await world().webhook(domain, `${receiver.url}/all`);
    const one = await world().webhook(domain, `${receiver.url}/one`, { roomName: 'one' });
    await world().webhook(domain, `${receiver.url}/two`, { roomName: 'two' });
    await world().webhook(other, `${receiver.url}/other`);
    const removed = await world().webhook(domain, `${receiver.url}/removed`);
    await world().database.stores.webhooks.remove(removed, new Date());
    const silent = await world().webhook(domain, `${receiver.url}/unvalidated`);
    await world().database.prisma.webhook.update({ where: { id: silent }, data: { validated: false } });
    await world().database.stores.webhooks.insert(
      { domain, roomName: null, target: { type: 'robot', robotId: 5 } },
      new Date(),
    );

    await world().dispatcher();
    await world().openRoom(domain, 'one');
    await world().waitForDeliveries(all, 'delivered', 1);
    await world().waitForDeliveries(one, 'delivered', 1);
    expect(receiver.requests.map(({ url }) => url).sort()).toEqual(['/all', '/one']);
    const told = { event: { domainName: domain }, state: { not: 'pending' as const } };
    expect(await world().database.prisma.webhookDelivery.count({ where: told })).toBe(2);
  });

  test("are enqueued in the order of a room's events", async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    const names = Array.from({ length: 15 }, (_, index) => `room-${index}`);
    for (const name of names) await world().closeRoom(await world().openRoom(domain, name));
    // None of them is slow and holds no place.
    await world().dispatcher({ WEBHOOKS_DELIVERIES_AT_ONCE: '1' }, { slowAfterMs: 60_000 });
    await world().waitForDeliveries(id, 'delivered', 30);
    expect(receiver.requests.map(eventOf)).toEqual(
      names.flatMap((name) => [`${name} roomCreated`, `${name} roomRemoved`]),
    );
  });

  test('give up when the schedule ends, and keep every attempt', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    receiver.answer({ status: 500, body: 'out of order' });
    await world().dispatcher({}, { nextDelay: (attempts) => (attempts < 3 ? 5 : null) });
    await world().openRoom(domain, 'vain');
    await world().waitForDeliveries(id, 'failed', 1);
    const [delivery] = await world().deliveries(id);
    expect(delivery?.tries.map(({ responseExcerpt }) => responseExcerpt)).toEqual(Array(3).fill('out of order'));
    expect((await world().webhookRow(id)).validated).toBe(true);
  });

  test('end with 410: the webhook is disabled, what waits is kept until it is told things again', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    receiver.answer({ status: 410 });
    await world().dispatcher({ WEBHOOKS_AT_ONCE_PER_WEBHOOK: '1' });
    await Promise.all([world().openRoom(domain, 'a'), world().openRoom(domain, 'b')]);
    await world().waitForDeliveries(id, 'failed', 1);
    const row = await world().webhookRow(id);
    expect(row).toMatchObject({ validated: true, disabledReason: 'gone', disabledAt: expect.any(Date) as unknown });
    expect(receiver.requests).toHaveLength(1);
    receiver.answer({ status: 200 });
    await world().database.prisma.webhook.update({ where: { id }, data: wellAgain(new Date()) });
    await world().openRoom(domain, 'c');
    await world().waitForDeliveries(id, 'delivered', 2);
  });

  test('to removed webhooks are given up', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    const id = await world().webhook(domain, receiver.url);
    receiver.answer({ status: 500 });
    await world().dispatcher({}, { nextDelay: () => 3_600_000 });
    await world().openRoom(domain, 'a');
    await eventually(
      async () => (await world().deliveries(id))[0]?.attempts === 1,
      async () =>
        `one attempt; there is ${JSON.stringify((await world().deliveries(id)).map(({ attempts }) => attempts))}`,
    );
    await world().database.stores.webhooks.remove(id, new Date());
    await world().waitForDeliveries(id, 'failed', 1);
  });
});
