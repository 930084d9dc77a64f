import { useDeliveryWorld, WEBHOOK } from '../../test/delivery-world';

const world = useDeliveryWorld();
const retry = { kind: 'retry', delayMs: 3_600_000 } as const;

async function attempts(failed: number, delivered: number): Promise<void> {
  await world().relayed(Array<string>(failed + delivered).fill('a'));
  for (let index = 0; index < failed; index += 1) await world().attempt(index % 2 === 0 ? 'failed' : 'timeout', retry);
  for (let index = 0; index < delivered; index += 1) await world().attempt('delivered');
}

/** As if so many seconds had passed. */
async function pass(seconds: number): Promise<void> {
  await world().prisma
    .$executeRaw`UPDATE "Webhook" SET "breakerSince" = "breakerSince" - ${seconds}::int * interval '1 s'`;
}

/** Opens again as many times as it may before it is disabled, and says what was told meanwhile. */
async function trips(upTo: number): Promise<string[]> {
  const told: string[] = [];
  for (let trip = (await world().row()).breakerTrips; trip < upTo; trip += 1) {
    await pass(100_000);
    expect(await world().breakers.halfOpen()).toBe(1);
    await world().relayed(['a']);
    await world().attempt('timeout', retry);
    expect(await world().row()).toMatchObject({ breaker: 'open', breakerTrips: trip + 1 });
    for (const { reason, percent } of await world().breakers.alert(10)) told.push(`${reason} ${percent}`);
  }
  return told;
}

const alerts = async () => {
  const events = await world().prisma.outboxEvent.findMany({
    where: { type: 'webhook.alert' },
    orderBy: { seq: 'asc' },
  });
  return events.map(({ payload }) => payload);
};

describe('a circuit breaker', () => {
  test.each([
    [7, 3, 'open'],
    [6, 4, 'closed'],
    [9, 0, 'closed'],
    [10, 0, 'open'],
  ])('after %i failures and %i successes in five minutes is %s', async (failed, delivered, breaker) => {
    await attempts(failed, delivered);
    await world().breakers.trip();
    expect(await world().row()).toMatchObject({ breaker, breakerTrips: breaker === 'open' ? 1 : 0 });
  });

  test('does not count what is older, nor what our own workers did', async () => {
    await attempts(20, 0);
    await world().prisma.webhookAttempt.updateMany({ data: { startedAt: new Date(Date.now() - 301_000) } });
    expect(await world().breakers.trip()).toBe(0);
    await world().prisma.webhookAttempt.updateMany({ data: { startedAt: new Date(), outcome: 'abandoned' } });
    expect(await world().breakers.trip()).toBe(0);
  });

  test('opens by failed trials for twice as long each time, and costs no attempt while it is open', async () => {
    await attempts(10, 0);
    expect(await world().breakers.trip()).toBe(1);
    expect(await world().breakers.trip()).toBe(0);
    const [waits] = await world().relayed(['a']);
    // Far enough from half a minute, and from a whole one, for a machine that stands still in between.
    await pass(20);
    expect(await world().breakers.halfOpen()).toBe(0);
    expect(await world().handedOut()).toEqual([]);
    await pass(10);
    expect(await world().breakers.halfOpen()).toBe(1);
    const trial = await world().claimed();
    expect(trial).toMatchObject({ id: waits, attempt: 1 });
    await world().settle(trial, 'failed', retry);
    expect(await world().row()).toMatchObject({ breaker: 'open', breakerTrips: 2 });
    await pass(45);
    expect(await world().breakers.halfOpen()).toBe(0);
    await pass(15);
    expect(await world().breakers.halfOpen()).toBe(1);
  });

  test('closes when a trial succeeds; what failed before does not count any more', async () => {
    await attempts(10, 0);
    await world().breakers.trip();
    await pass(30);
    await world().breakers.halfOpen();
    await world().relayed(['a', 'b', 'c']);
    await world().attempt('delivered');
    expect(await world().row()).toMatchObject({ breaker: 'closed', breakerTrips: 0 });
    expect(await world().handedOut()).toHaveLength(2);
    expect(await world().breakers.trip()).toBe(0);
  });

  test('that opened ten times in a row disables; its owner is told at 50, 70, 90 and 100 %, once each', async () => {
    await attempts(10, 0);
    await world().breakers.trip();
    expect(await world().breakers.alert(10)).toEqual([]);
    expect(await trips(9)).toEqual(['failing 50', 'failing 70', 'failing 90']);
    expect((await world().row()).disabledAt).toBeNull();
    expect(await trips(10)).toEqual(['disabled 100']);
    expect(await world().row()).toMatchObject({ disabledReason: 'failures', alertedPercent: 100 });
    expect(await world().breakers.alert(10)).toEqual([]);
    const about = { webhookId: WEBHOOK };
    expect(await alerts()).toEqual([
      ...[50, 70, 90].map((percent) => ({ ...about, reason: 'failing', percent })),
      { ...about, reason: 'disabled', percent: 100 },
    ]);
  });

  test('tells when it is over, and of a 410', async () => {
    await attempts(10, 0);
    await world().breakers.trip();
    expect(await trips(5)).toEqual(['failing 50']);
    await pass(100_000);
    await world().breakers.halfOpen();
    await world().relayed(['a', 'b']);
    await world().attempt('delivered');
    expect(await world().breakers.alert(10)).toMatchObject([{ reason: 'recovered' }]);
    expect(await world().row()).toMatchObject({ alertedPercent: 0, disabledAt: null });
    await world().attempt('failed', { kind: 'gone' });
    expect(await world().breakers.alert(10)).toMatchObject([{ reason: 'disabled' }]);
    expect(await world().row()).toMatchObject({ disabledReason: 'gone' });
    expect(await world().breakers.alert(10)).toEqual([]);
    expect((await world().backlog.backlog()).endpoints).toMatchObject({ disabled: 1, closed: 0 });
  });
});
