import type { DomainName } from '@parley/domain';
import { eventually, type Answer, type ReceivedRequest, type Receiver } from '@parley/testing';
import { Ledger, openAndClose } from './ledger';
import { LOSES_JOBS, useWorld } from './world';

const world = useWorld();
const soon = { nextDelay: (attempts: number) => (attempts < 50 ? 20 : null) };
/** So that what is tested is not how long the rate lets one wait. */
const QUICK = { WEBHOOKS_PER_SECOND_PER_WEBHOOK: '1000' };
const ROOMS = 60;
const moody = (_request: ReceivedRequest, number: number): Answer => (number % 7 === 0 ? { status: 503 } : {});

describe('every event is accounted for', () => {
  test.each(['fifo', 'unordered'] as const)(
    'while Redis is emptied under load, two dispatchers, a moody receiver, %s',
    async (order) => {
      const domain = await world().domain();
      const receiver = await world().receiver();
      const ledger = new Ledger(receiver, moody);
      await world().webhook(domain, receiver.url, { order });
      const env = { ...QUICK, ...LOSES_JOBS };
      await Promise.all([world().dispatcher(env, soon), world().dispatcher(env, soon)]);
      const opening = openAndClose(world(), domain, ROOMS);
      for (const seen of [20, 50, 80]) {
        await receiver.waitFor(seen, 20_000);
        await world().redisClient.flushall();
      }
      await opening;
      await ledger.expectAll(world(), domain);
      if (order === 'fifo') ledger.expectInOrder();
    },
    150_000,
  );
});

/** A receiver that answers nothing until it is let go. */
async function hangingReceiver(): Promise<Receiver & { letGo(): void }> {
  const receiver = await world().receiver();
  let letGo = (): void => undefined;
  const gone = new Promise<void>((resolve) => (letGo = resolve));
  receiver.answer(async () => gone.then(() => ({})));
  return Object.assign(receiver, { letGo });
}

async function webhooksAt(domain: DomainName, receiver: Receiver, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) await world().webhook(domain, `${receiver.url}/${number}`);
}

/** Waits until a receiver was told of so many events, those of each path apart; of some perhaps twice. */
async function toldOf(receiver: Receiver, count: number, timeoutMs = 20_000): Promise<void> {
  const told = () => new Set(receiver.requests.map(({ url, headers }) => `${url} ${headers['x-parley-event-id']}`));
  await eventually(
    () => told().size === count,
    () => `${count} events to be told; ${told().size} were, in ${receiver.requests.length} requests`,
    timeoutMs,
  );
}

describe('a receiver that hangs', () => {
  const long = { ...QUICK, WEBHOOKS_DELIVERY_DEADLINE_MS: '60000' };

  test('one of 100: no healthy delivery waits for it, though it has all the shared places', async () => {
    const domain = await world().domain();
    const [hanging, healthy] = [await hangingReceiver(), await world().receiver()];
    await webhooksAt(domain, hanging, 1);
    await webhooksAt(domain, healthy, 99);
    const few = { ...long, WEBHOOKS_DELIVERIES_AT_ONCE: '2' };
    await Promise.all([1, 2].map(() => world().dispatcher(few, { slowAfterMs: 50 })));
    await openAndClose(world(), domain, 4);
    await toldOf(healthy, 99 * 8, 90_000);
    // Not one of them has been answered yet, and there are no more of them than one endpoint may have.
    await hanging.waitFor(4);
    expect(hanging.requests).toHaveLength(4);
    hanging.letGo();
    await toldOf(hanging, 8);
  }, 150_000);

  test('25 with four deliveries each take no place from the healthy, and what they are told later takes none at all', async () => {
    const [sick, well] = [await world().domain(), await world().domain()];
    const [hanging, healthy] = [await hangingReceiver(), await world().receiver()];
    await webhooksAt(sick, hanging, 25);
    await webhooksAt(well, healthy, 1);
    const few = { ...long, WEBHOOKS_DELIVERIES_AT_ONCE: '5' };
    await world().dispatcher(few, { slowAfterMs: 50 });
    await openAndClose(world(), sick, 4);
    await hanging.waitFor(100, 20_000);
    await openAndClose(world(), well, 10);
    await healthy.waitFor(20, 20_000);
    expect(hanging.requests).toHaveLength(100);
    hanging.letGo();
    await hanging.waitFor(200, 20_000);
  }, 150_000);

  test('when there are too many of a domain, they wait for each other and not the others for them; it costs them nothing', async () => {
    const [sick, well] = [await world().domain(), await world().domain()];
    const [hanging, healthy] = [await hangingReceiver(), await world().receiver()];
    await webhooksAt(sick, hanging, 6);
    await webhooksAt(well, healthy, 1);
    const narrow = { ...long, WEBHOOKS_DELIVERIES_AT_ONCE: '5', WEBHOOKS_SLOW_AT_ONCE: '80' };
    await world().dispatcher(narrow, { slowAfterMs: 50 });
    await openAndClose(world(), sick, 2);
    await hanging.waitFor(20, 20_000);
    await openAndClose(world(), well, 5);
    await healthy.waitFor(10, 20_000);
    hanging.letGo();
    const event = { domainName: sick };
    const { webhookDelivery, webhookAttempt } = world().database.prisma;
    await eventually(
      async () => (await webhookDelivery.count({ where: { event, state: 'delivered' } })) === 24,
      () => `24 deliveries to those that hung; they were asked ${hanging.requests.length} times`,
      20_000,
    );
    const attempts = await webhookAttempt.findMany({ where: { delivery: { event } } });
    expect(attempts.map(({ number }) => number)).toEqual(Array(24).fill(1));
  }, 150_000);
});
