import { useDeliveryWorld, DOMAIN, WEBHOOK } from '../../test/delivery-world';
import { ABANDONED_AT_MOST } from './upkeep.store';

const world = useDeliveryWorld();
const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);
const tries = () => world().prisma.webhookAttempt.findMany({ orderBy: [{ deliveryId: 'asc' }, { number: 'asc' }] });

describe('abandoned deliveries', () => {
  test('are given up after five workers in a row, and an attempt says so', async () => {
    await world().relayed(['a']);
    await world().attempt('failed', { kind: 'retry', delayMs: 0 });
    for (let death = 1; death < ABANDONED_AT_MOST; death += 1) {
      await world().claimed(0);
      expect(await world().upkeep.takeBackAbandoned()).toEqual({ takenBack: 1, givenUp: 0 });
    }
    await world().claimed(0);
    expect(await world().upkeep.takeBackAbandoned()).toEqual({ takenBack: 0, givenUp: 1 });
    const delivery = await world().prisma.webhookDelivery.findFirst();
    expect(delivery).toMatchObject({ state: 'failed', attempts: 2, nextAttemptAt: null, lockedUntil: null });
    expect(delivery?.finishedAt).toBeInstanceOf(Date);
    const told = {
      number: 2,
      outcome: 'abandoned',
      status: null,
      error: expect.stringContaining('5 workers') as unknown,
    };
    expect(await tries()).toMatchObject([{ number: 1 }, told]);
  });

  test('count in a row: an attempt that ended sets them back', async () => {
    await world().relayed(['a']);
    for (let death = 1; death < ABANDONED_AT_MOST; death += 1) {
      await world().claimed(0);
      await world().upkeep.takeBackAbandoned();
    }
    await world().attempt('failed', { kind: 'retry', delayMs: 0 });
    await world().claimed(0);
    expect(await world().upkeep.takeBackAbandoned()).toEqual({ takenBack: 1, givenUp: 0 });
  });
});

test('what webhooks of a disabled account listen to waits, and goes on when the account is let in again', async () => {
  const { prisma, upkeep } = world();
  const [waits] = await world().relayed(['a']);
  const disabled = async (disabledAt: Date | null) => {
    await prisma.account.updateMany({ data: { disabledAt } });
    return Promise.all([upkeep.followAccounts(), upkeep.followAccounts()]);
  };
  expect((await disabled(new Date())).sort()).toEqual([0, 1]);
  expect(await world().handedOut()).toEqual([]);
  expect((await world().backlog.backlog()).endpoints).toMatchObject({ account_disabled: 1, closed: 0 });
  expect((await disabled(null)).sort()).toEqual([0, 1]);
  expect(await world().handedOut()).toEqual([waits]);
});

test('deliveries of removed webhooks are given up in steps', async () => {
  const { prisma, upkeep } = world();
  await world().relayed(['a', 'b', 'c']);
  await prisma.webhook.update({ where: { id: WEBHOOK }, data: { removedAt: new Date() } });
  expect([await upkeep.failRemoved(2), await upkeep.failRemoved(2), await upkeep.failRemoved(2)]).toEqual([2, 1, 0]);
  expect(await prisma.webhookDelivery.count({ where: { state: 'failed', nextAttemptAt: null } })).toBe(3);
});

describe('retention', () => {
  beforeEach(() => world().prisma.domain.update({ where: { name: DOMAIN }, data: { webhookRetentionDays: 10 } }));

  test('gives up what still waits, with an attempt that says so, and only then deletes it', async () => {
    await world().relayed(['old'], WEBHOOK, daysAgo(11));
    await world().relayed(['young'], WEBHOOK, daysAgo(9));
    expect(await world().upkeep.deleteOld(10)).toEqual({ events: 0, validations: 0 });
    expect(await world().upkeep.expire(10)).toBe(1);
    expect(await tries()).toMatchObject([{ outcome: 'expired', error: expect.stringContaining('10 days') as unknown }]);
    expect(await world().prisma.webhookDelivery.count({ where: { state: 'failed' } })).toBe(1);
    expect(await world().upkeep.expire(10)).toBe(0);
    expect(await world().upkeep.deleteOld(10)).toEqual({ events: 1, validations: 0 });
    const left = await world().prisma.webhookDelivery.findMany();
    expect(left.map(({ roomName }) => roomName)).toEqual(['young']);
    expect(await tries()).toEqual([]);
  });

  test('leaves what is being sent, and events the relay has not taken', async () => {
    await world().relayed(['sent', 'waits'], WEBHOOK, daysAgo(11));
    await world().claimed();
    await world().prisma.outboxEvent.create({
      data: { id: 'evt_new', domainName: DOMAIN, seq: 99, type: 'x', payload: {}, occurredAt: daysAgo(11) },
    });
    expect(await world().upkeep.expire(10)).toBe(1);
    expect(await world().upkeep.deleteOld(10)).toEqual({ events: 1, validations: 0 });
    expect(await world().prisma.outboxEvent.count()).toBe(2);
  });

  test('goes in small steps, and deletes old handshakes', async () => {
    await world().relayed(['a', 'b', 'c'], WEBHOOK, daysAgo(11));
    const validation = { webhookId: WEBHOOK, cause: 'periodic', durationMs: 1, passed: true };
    await world().prisma.webhookValidation.createMany({
      data: [11, 9].map((days) => ({ id: `val_${days}`, ...validation, startedAt: daysAgo(days) })),
    });
    expect([await world().upkeep.expire(2), await world().upkeep.expire(2)]).toEqual([2, 1]);
    expect(await world().upkeep.deleteOld(2)).toEqual({ events: 2, validations: 1 });
    expect(await world().upkeep.deleteOld(2)).toEqual({ events: 1, validations: 0 });
  });

  test('deletes what was removed once nothing is left of it, its secrets too', async () => {
    await world().relayed(['a'], WEBHOOK, daysAgo(11));
    const { prisma, upkeep } = world();
    await prisma.webhookSecret.create({ data: { id: 'whs_1', webhookId: WEBHOOK, secretSealed: 's' } });
    const robot = { domainName: DOMAIN, name: 'r' };
    await prisma.robot.createMany({
      data: [
        { ...robot, id: 1n, removedAt: daysAgo(2) },
        { ...robot, id: 2n, removedAt: daysAgo(0.5) },
        { ...robot, id: 3n },
      ],
    });
    expect(await upkeep.deleteRemoved(10)).toBe(1);
    await prisma.webhook.update({ where: { id: WEBHOOK }, data: { removedAt: daysAgo(2) } });
    expect(await upkeep.deleteRemoved(10)).toBe(0);
    await upkeep.expire(10);
    await upkeep.deleteOld(10);
    expect(await upkeep.deleteRemoved(10)).toBe(1);
    expect([await prisma.webhook.count({ where: { id: WEBHOOK } }), await prisma.webhookSecret.count()]).toEqual([
      0, 0,
    ]);
    expect((await prisma.robot.findMany({ orderBy: { id: 'asc' } })).map(({ id }) => id)).toEqual([2n, 3n]);
  });
});
