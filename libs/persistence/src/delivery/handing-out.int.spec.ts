import { brandAs, type WebhookId } from '@parley/domain';
import { eventually } from '@parley/testing';
import { AMPLE, useDeliveryWorld, WEBHOOK } from '../../test/delivery-world';

const world = useDeliveryWorld();
const FIFO = brandAs<WebhookId>(3073);
/** A machine may be slow; as many transactions as there are have to come to stand before a lock. */
const PATIENT = { maxWait: 15_000, timeout: 25_000 };
const rooms = (count: number): string[] => Array.from({ length: count }, (_, index) => `r${index}`);

/** Waits until so many connections stand before a lock. */
async function waiting(count: number): Promise<void> {
  const look = async (): Promise<number> => {
    const [row] = await world().prisma.$queryRaw<{ count: number }[]>`
      SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    return row?.count ?? 0;
  };
  await eventually(
    async () => (await look()) >= count,
    async () => `${count} transactions to wait; there are ${await look()}`,
  );
}

describe('deliveries are handed out', () => {
  test('as many as there are places, those due longest first, also when replicas count at once', async () => {
    const ids = await world().relayed(rooms(10));
    // All are let go at once, with their transactions open; else the first is done before the last begins.
    const blocker = world().prisma.$transaction(async (tx) => {
      await tx.$executeRaw`LOCK TABLE "WebhookDelivery" IN ACCESS EXCLUSIVE MODE`;
      const racing = Array.from({ length: 6 }, () => world().handedOut({ atOnce: 4 }));
      await waiting(6);
      return { racing };
    }, PATIENT);
    const handed = (await Promise.all((await blocker).racing)).flat();
    expect(handed).toEqual(ids.slice(0, 4));
    expect(await world().handedOut({ atOnce: 4 })).toEqual([]);
    expect(await world().handedOut({ atOnce: 5 })).toEqual(ids.slice(4, 5));
  });

  test('none while another replica handed out others, and then it is looked at again', async () => {
    const ids = await world().relayed(rooms(8));
    const blocker = world().prisma.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT 1 FROM "Webhook" WHERE id = ${WEBHOOK} FOR NO KEY UPDATE`;
      const late = world().jobs.reserve([WEBHOOK], { ...AMPLE, atOnce: 4 });
      await waiting(1);
      // As the other one does it, with deliveries that the late one would not choose.
      await tx.$executeRaw`
        UPDATE "WebhookDelivery" SET wake = 1, "lockedUntil" = now() + interval '1 h' WHERE id = ANY(${ids.slice(4)})`;
      await tx.$executeRaw`UPDATE "Webhook" SET "paidUntil" = now() WHERE id = ${WEBHOOK}`;
      return { late };
    }, PATIENT);
    const { jobs, again } = await (await blocker).late;
    expect(jobs).toEqual([]);
    expect(again.has(WEBHOOK)).toBe(true);
    expect(await world().handedOut({ atOnce: 4 })).toEqual([]);
    expect(await world().handedOut({ atOnce: 5 })).toEqual(ids.slice(0, 1));
  });

  test('each under a new wake, to several webhooks at once, and not to those of robots', async () => {
    const [other, robot] = [brandAs<WebhookId>(4097), brandAs<WebhookId>(5121)];
    await world().webhook(other);
    await world().webhook(robot, { type: 'robot' });
    const [first] = await world().relayed(['a']);
    const [second] = await world().relayed(['a'], other);
    await world().relayed(['a'], robot);
    const { jobs } = await world().jobs.reserve([other, WEBHOOK, robot], AMPLE);
    expect(jobs.map(({ deliveryId }) => deliveryId).sort()).toEqual([first, second].sort());
    await world().jobs.release(jobs);
    const again = await world().jobs.reserve([WEBHOOK], AMPLE);
    expect(again.jobs).toEqual([{ deliveryId: first, attempt: 1, wake: 2 }]);
  });

  test('no faster than their rate, and it is said when there may be more', async () => {
    const ids = await world().relayed(rooms(40));
    const options = { ...AMPLE, perSecond: 50 };
    const began = performance.now();
    const { jobs, again } = await world().jobs.reserve([WEBHOOK], options);
    expect(jobs.map(({ deliveryId }) => deliveryId)).toEqual(ids.slice(0, 10));
    expect(again.get(WEBHOOK)).toBeGreaterThan(0);
    const next = await world().jobs.reserve([WEBHOOK], options);
    const passedMs = performance.now() - began;
    expect(next.jobs.length).toBeLessThanOrEqual(Math.ceil((passedMs * options.perSecond) / 1_000));
    await eventually(
      async () => (await world().jobs.reserve([WEBHOOK], options)).jobs.length > 0,
      'the rate to allow another one',
    );
  });

  test('when they are due; a retry that soon is says when', async () => {
    const [soon, late] = await world().relayed(['a', 'b']);
    await world().attempt('failed', { kind: 'retry', delayMs: 50_000 });
    await world().attempt('failed', { kind: 'retry', delayMs: 600_000 });
    const { jobs, again } = await world().jobs.reserve([WEBHOOK], { ...AMPLE, horizonMs: 60_000 });
    expect(jobs).toEqual([]);
    expect(again.get(WEBHOOK)).toBeGreaterThan(1_000);
    expect(again.get(WEBHOOK)).toBeLessThanOrEqual(50_000);
    expect(await world().jobs.hungry(0, 10)).toEqual([]);
    await world().prisma.webhookDelivery.updateMany({ data: { nextAttemptAt: new Date() } });
    expect(await world().jobs.hungry(0, 10)).toEqual([WEBHOOK]);
    expect((await world().handedOut()).sort()).toEqual([soon, late].sort());
  });

  const held = { pausedAt: new Date(), suspendedAt: new Date(), disabledAt: new Date(), removedAt: new Date() };
  test.each([
    ...Object.entries(held).map(([name, at]) => ({ [name]: at })),
    { validated: false },
    { accountDisabled: true },
    { breaker: 'open' as const },
  ])('not while the webhook is %j, and then what was handed out before waits too', async (state) => {
    const [before, waits] = await world().relayed(['a', 'b']);
    const { jobs } = await world().jobs.reserve([WEBHOOK], { ...AMPLE, atOnce: 1 });
    await world().prisma.webhook.update({ where: { id: WEBHOOK }, data: state });
    expect(await world().handedOut()).toEqual([]);
    expect(await world().jobs.hungry(0, 10)).toEqual([]);
    expect(await world().deliveries.claim(jobs, 60_000)).toEqual([]);
    await world().prisma.webhook.update({
      where: { id: WEBHOOK },
      data: {
        ...Object.fromEntries(Object.keys(held).map((name) => [name, null])),
        validated: true,
        accountDisabled: false,
        breaker: 'closed',
      },
    });
    expect((await world().handedOut()).sort()).toEqual([before, waits].sort());
  });

  test('one at a time while the breaker is half open', async () => {
    const [trial] = await world().relayed(rooms(3));
    await world().prisma.webhook.update({ where: { id: WEBHOOK }, data: { breaker: 'half_open' } });
    expect(await world().handedOut()).toEqual([trial]);
    expect(await world().handedOut()).toEqual([]);
  });

  test('and are doubted when nobody took them in time', async () => {
    await world().relayed(['a']);
    const { jobs } = await world().jobs.reserve([WEBHOOK], { ...AMPLE, doubtAfterMs: 0 });
    expect(await world().jobs.doubtful(10)).toEqual(jobs);
    await world().jobs.stillStanding(jobs, 60_000);
    expect(await world().jobs.doubtful(10)).toEqual([]);
  });
});

describe('in fifo', () => {
  beforeEach(() => world().webhook(FIFO, { order: 'fifo' }));
  const handedOut = () => world().handedOut({}, [FIFO]);

  test("only the first unfinished event of each room is handed out, whatever becomes of the room's others", async () => {
    const [a1, b1, , , none1, none2] = await world().relayed(['a', 'b', 'a', 'b', null, null], FIFO);
    expect((await handedOut()).sort()).toEqual([a1, b1, none1, none2].sort());
    expect(await handedOut()).toEqual([]);
  });

  test('the next follows when the one before was delivered or given up, not when it is to be tried again', async () => {
    const [a1, a2, a3] = await world().relayed(['a', 'a', 'a'], FIFO);
    const claim = async () => {
      const { jobs } = await world().jobs.reserve([FIFO], AMPLE);
      return (await world().deliveries.claim(jobs, 60_000))[0]!;
    };
    const first = await claim();
    expect(first.id).toBe(a1);
    await world().settle(first, 'failed', { kind: 'retry', delayMs: 60_000 });
    expect(await handedOut()).toEqual([]);
    await world().prisma.webhookDelivery.update({ where: { id: first.id }, data: { nextAttemptAt: new Date() } });
    await world().settle(await claim(), 'failed', { kind: 'exhausted' });
    const second = await claim();
    expect(second.id).toBe(a2);
    await world().settle(second, 'delivered', { kind: 'delivered' });
    expect(await handedOut()).toEqual([a3]);
  });

  test('a room that is stuck with a thousand events keeps no other room waiting', async () => {
    const [stuck] = await world().relayed(Array<string>(1_000).fill('stuck'), FIFO);
    await world().prisma.webhookDelivery.update({
      where: { id: stuck ?? '' },
      data: { nextAttemptAt: new Date(Date.now() + 3_600_000) },
    });
    const [a1, , z1, none] = await world().relayed(['a', 'a', 'zz', null], FIFO);
    expect((await handedOut()).sort()).toEqual([a1, z1, none].sort());
    expect(await handedOut()).toEqual([]);
  });
});
