import { settled, useDeliveryWorld, WEBHOOK } from '../../test/delivery-world';
import { wellAgain } from './webhook-alerts';

const world = useDeliveryWorld();

describe('a delivery', () => {
  test('is claimed by one worker, for the job that was handed out last', async () => {
    await world().relayed(['a']);
    const { jobs } = await world().jobs.reserve([WEBHOOK], options());
    const [job] = jobs;
    const { deliveries } = world();
    for (const other of [{ attempt: 2 }, { wake: 0 }, { wake: 2 }]) {
      expect(await deliveries.claim([{ ...job!, ...other }], 60_000)).toEqual([]);
    }
    const claims = await Promise.all(Array.from({ length: 10 }, () => deliveries.claim([job!, job!], 60_000)));
    expect(claims.flat()).toHaveLength(1);
    expect(claims.flat()[0]).toMatchObject({ id: job?.deliveryId, attempt: 1, tryNumber: 1, token: 2 });
  });

  test('that was released is not claimed by the job that was believed lost', async () => {
    await world().relayed(['a']);
    const { jobs } = await world().jobs.reserve([WEBHOOK], options());
    await world().jobs.release(jobs);
    expect(await world().deliveries.claim(jobs, 60_000)).toEqual([]);
  });

  test('records one attempt under each number, whoever reports it', async () => {
    await world().relayed(['a', 'b']);
    const { jobs } = await world().jobs.reserve([WEBHOOK], options());
    const claims = await world().deliveries.claim(jobs, 60_000);
    const outcomes = claims.map((claim) => settled(claim, 'delivered', { kind: 'delivered' }));
    const reports = await Promise.all([1, 2, 3].map(() => world().deliveries.settle(outcomes)));
    expect(reports.flatMap((ids) => [...ids]).sort()).toEqual(claims.map(({ id }) => id).sort());
    const attempts = await world().prisma.webhookAttempt.findMany();
    expect(attempts).toMatchObject([
      { number: 1, outcome: 'delivered' },
      { number: 1, outcome: 'delivered' },
    ]);
    expect(await world().handedOut()).toEqual([]);
  });

  test('keeps answers that end in the middle of a character', async () => {
    await world().relayed(['a']);
    const outcome = settled(await world().claimed(), 'failed', { kind: 'retry', delayMs: 0 });
    const responseExcerpt = '😀'.slice(0, 1);
    await world().deliveries.settle([{ ...outcome, record: { ...outcome.record, responseExcerpt } }]);
    expect(await world().prisma.webhookAttempt.findFirst()).toMatchObject({ responseExcerpt: '\ufffd' });
  });

  test('whose worker died is taken back without counting the attempt, and the dead cannot speak any more', async () => {
    await world().relayed(['a']);
    const dead = await world().claimed(0);
    expect(await world().upkeep.takeBackAbandoned()).toEqual({ takenBack: 1, givenUp: 0 });
    const alive = await world().claimed();
    expect(alive.attempt).toBe(1);
    expect(await world().settle(dead, 'failed', { kind: 'exhausted' })).toBe(false);
    await world().deliveries.giveBack(dead);
    expect(await world().settle(alive, 'delivered', { kind: 'delivered' })).toBe(true);
  });

  test('stays with its worker for as long as that renews its claim, and not when it was taken back', async () => {
    await world().relayed(['a']);
    const { deliveries, upkeep } = world();
    const claim = await world().claimed();
    const stale = { ...claim, token: claim.token - 1 };
    expect(await deliveries.renew([claim, stale], 0)).toEqual(new Set([claim.id]));
    expect(await upkeep.takeBackAbandoned()).toMatchObject({ takenBack: 1 });
    expect(await deliveries.renew([claim], 60_000)).toEqual(new Set());
    const other = await world().claimed();
    expect(await deliveries.renew([claim], 60_000)).toEqual(new Set());
    expect(await deliveries.renew([other], 60_000)).toEqual(new Set([other.id]));
    expect(await upkeep.takeBackAbandoned()).toEqual({ takenBack: 0, givenUp: 0 });
  });

  test('that comes back through no fault of its receiver waits as long as is said and counts for nothing', async () => {
    const [id] = await world().relayed(['a']);
    await world().deliveries.giveBack(await world().claimed(), 60_000);
    expect(await world().handedOut()).toEqual([]);
    await world().prisma.webhookDelivery.updateMany({ data: { nextAttemptAt: new Date() } });
    expect(await world().claimed()).toMatchObject({ id, attempt: 1 });
  });

  test('asked for again begins its schedule anew', async () => {
    await world().relayed(['a']);
    await world().attempt('failed', { kind: 'retry', delayMs: 0 });
    await world().attempt('failed', { kind: 'retry', delayMs: 0 });
    await world().prisma.webhookDelivery.updateMany({ data: { attemptsBefore: 2 } });
    expect(await world().claimed()).toMatchObject({ attempt: 3, tryNumber: 1 });
  });

  test('that is answered 410 disables its webhook and leaves it proved', async () => {
    await world().relayed(['a', 'b']);
    await world().attempt('failed', { kind: 'gone' });
    expect(await world().row()).toMatchObject({ validated: true, disabledReason: 'gone' });
    expect(await world().handedOut()).toEqual([]);
    await world().prisma.webhook.update({ where: { id: WEBHOOK }, data: wellAgain(new Date()) });
    expect(await world().handedOut()).toHaveLength(1);
  });

  test('counts in the backlog until it is done', async () => {
    await world().relayed(['a'], WEBHOOK, new Date(Date.now() - 3_600_000));
    const { backlog } = world();
    expect(await backlog.backlog()).toMatchObject({ unfinished: 1, unrelayed: 0, endpoints: { closed: 1, open: 0 } });
    expect((await backlog.backlog()).oldestDueSeconds).toBeGreaterThan(0);
    await world().attempt('failed', { kind: 'exhausted' });
    const nothing = { unfinished: 0, oldestDueSeconds: 0, oldestUndeliveredSeconds: 0, unrelayed: 0 };
    expect(await backlog.backlog()).toMatchObject(nothing);
  });
});

function options() {
  return { atOnce: 100, perSecond: 1_000, doubtAfterMs: 60_000, horizonMs: 0 };
}
