import { createHmac } from 'node:crypto';
import type { WebhookId } from '@parley/domain';
import { createValidationQueue, type ValidationQueue } from '@parley/queue';
import { eventually, type ReceivedRequest } from '@parley/testing';
import { useWorld, WEBHOOK_KEY } from './world';

let queue: ValidationQueue;
// Hooks run in the order they stand in: after the world, and its Redis, a client would be left to its timers.
afterAll(() => queue.close());
const world = useWorld();
beforeAll(() => {
  queue = createValidationQueue({ redisUrl: world().redis.url });
});

/** What a receiver does that knows the key: written after the manual, without our own code. */
const rightAnswer = (request: ReceivedRequest): string => {
  const { signThis } = JSON.parse(request.body) as { signThis: string };
  return createHmac('sha256', WEBHOOK_KEY).update(signThis).digest('hex');
};
const right = (request: ReceivedRequest) => ({ body: rightAnswer(request) });

/** As the api does after its commit. */
const ask = (id: WebhookId) => eventually(() => queue.request(id).then(() => true), 'the queue to take the request');

async function waitForRow(
  id: WebhookId,
  expected: Partial<Awaited<ReturnType<ReturnType<typeof world>['webhookRow']>>>,
) {
  await eventually(
    async () => {
      expect(await world().webhookRow(id)).toMatchObject(expected);
      return true;
    },
    async () =>
      `${JSON.stringify(expected)}; there is ${JSON.stringify({ ...(await world().webhookRow(id)), id: 0, robotId: 0 })}`,
  );
}

describe('the validation handshake', () => {
  test('sends random text and is passed by whoever can sign it', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain();
    receiver.answer(right);
    const [one, two] = [
      await world().webhook(domain, receiver.url, { validated: false }),
      await world().webhook(domain, receiver.url, { validated: false }),
    ];
    // No sweep comes to its aid: the job alone must do it.
    await world().dispatcher({ WEBHOOKS_SWEEP_MS: '60000' });
    await Promise.all([ask(one), ask(two)]);
    await waitForRow(one, { validated: true, lastValidationError: null });
    await waitForRow(two, { validated: true });
    const bodies = receiver.requests.map(({ body }) => JSON.parse(body) as { event: string; signThis: string });
    expect(bodies.map(({ event }) => event)).toEqual(['validation', 'validation']);
    expect(bodies.every(({ signThis }) => /^[0-9a-f]{32,}$/.test(signThis))).toBe(true);
    expect(bodies[0]?.signThis).not.toBe(bodies[1]?.signThis);
    expect(await world().database.stores.webhooks.handshakeOutcome(one)).toEqual({ validated: true });
  });

  test('is done without being asked when it is due', async () => {
    const receiver = await world().receiver();
    receiver.answer(right);
    const id = await world().webhook(await world().domain(), receiver.url, { validated: false });
    await world().dispatcher();
    await waitForRow(id, { validated: true });
  });

  test('fails with a wrong answer, is tried again, and passes late', async () => {
    const receiver = await world().receiver();
    receiver.answer({ body: 'f'.repeat(64) });
    const id = await world().webhook(await world().domain(), receiver.url, { validated: false });
    await world().dispatcher({}, { validationRetriesMs: Array<number>(100).fill(10) });
    await receiver.waitFor(2);
    await eventually(
      async () => (await world().webhookRow(id)).lastValidationError?.includes('signature'),
      'the reason',
    );
    expect((await world().webhookRow(id)).validated).toBe(false);
    receiver.answer(right);
    await waitForRow(id, { validated: true, validationAttempts: 0, lastValidationError: null });
  });

  test('that is asked for while one fails follows at once, although that one was the last of its cycle', async () => {
    const receiver = await world().receiver();
    const id = await world().webhook(await world().domain(), receiver.url, { validated: false });
    receiver.answer(async () => {
      receiver.answer(right);
      await world().database.stores.webhooks.requestValidation(id, new Date());
      await ask(id);
      return { status: 500 };
    });
    // Neither a sweep nor a retry comes to its aid.
    await world().dispatcher({ WEBHOOKS_SWEEP_MS: '60000' }, { validationRetriesMs: [] });
    await ask(id);
    await waitForRow(id, { validated: true, handshakeAwaited: false, lastValidationError: null });
    expect(receiver.requests).toHaveLength(2);
  });

  test('fails with an answer that comes too late', async () => {
    const receiver = await world().receiver();
    receiver.answer((request) => ({ ...right(request), delayMs: 400 }));
    const id = await world().webhook(await world().domain(), receiver.url, { validated: false });
    await world().dispatcher({ WEBHOOKS_VALIDATION_DEADLINE_MS: '100' }, { validationRetriesMs: [] });
    await waitForRow(id, {
      validated: false,
      lastValidationError: 'The receiver did not answer in time.',
      nextValidationAt: null,
    });
  });

  test('that fails does not silence a validated webhook; when all retries have failed it is a warning', async () => {
    const receiver = await world().receiver();
    receiver.answer({ status: 500 });
    const id = await world().webhook(await world().domain(), receiver.url);
    await world().database.stores.webhooks.requestValidation(id, new Date());
    await world().dispatcher({}, { validationRetriesMs: [3_600_000] });
    await waitForRow(id, { validationAttempts: 1, lastValidationError: 'The receiver answered 500.' });
    await world().database.prisma.webhook.update({ where: { id }, data: { nextValidationAt: new Date() } });
    await waitForRow(id, { validated: true, validationAttempts: 0, failedValidations: 1 });
    expect(receiver.requests).toHaveLength(2);
  });

  test('of one domain, however many hang, keeps those of others from no place', async () => {
    const [hanging, well] = [await world().receiver(), await world().receiver()];
    const ends: (() => void)[] = [];
    hanging.answer(() => new Promise((resolve) => ends.push(() => resolve({}))));
    well.answer(right);
    const crowd = await world().domain();
    const slow: WebhookId[] = [];
    for (let number = 0; number < 12; number += 1) {
      slow.push(await world().webhook(crowd, `${hanging.url}/${number}`, { validated: false }));
    }
    const honest = await world().webhook(await world().domain(), well.url, { validated: false });
    const env = { WEBHOOKS_VALIDATIONS_AT_ONCE: '4', WEBHOOKS_SWEEP_MS: '60000' };
    await Promise.all(slow.map(ask));
    await world().dispatcher(env);
    await hanging.waitFor(1);
    await ask(honest);
    await waitForRow(honest, { validated: true });
    expect(hanging.requests).toHaveLength(1);
    for (const end of ends) end();
  });

  test('does not reach into this machine for an ordinary domain', async () => {
    const receiver = await world().receiver();
    const domain = await world().domain({ insecure: false });
    const id = await world().webhook(domain, `https://localhost:${receiver.port}/`, { validated: false });
    await world().dispatcher({ WEBHOOKS_EXTRA_PORTS: String(receiver.port) }, { validationRetriesMs: [] });
    await eventually(async () => (await world().webhookRow(id)).lastValidationError, 'a reason');
    expect(receiver.requests).toHaveLength(0);
  });

  test('is not done for a removed webhook', async () => {
    const receiver = await world().receiver();
    receiver.answer(right);
    const domain = await world().domain();
    const removed = await world().webhook(domain, `${receiver.url}/removed`, { validated: false });
    const kept = await world().webhook(domain, `${receiver.url}/kept`, { validated: false });
    await world().database.stores.webhooks.remove(removed, new Date());
    await world().dispatcher();
    await ask(removed);
    await waitForRow(kept, { validated: true });
    expect(receiver.requests.map(({ url }) => url)).toEqual(['/kept']);
  });
});
