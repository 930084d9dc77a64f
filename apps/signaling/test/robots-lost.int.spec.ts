import { brandAs, connectKeyHash, type SessionId } from '@parley/domain';
import { RobotDeliveryStore } from '@parley/persistence';
import { eventually, type ScriptedSignalingClient } from '@parley/testing';
import { SESSIONS_PER_ROBOT } from '../src/robots/robot-roll';
import { onTwoReplicas } from './layouts';
import { expectWithin, takes } from './promised';
import { acknowledge, nextOf, RobotHouse, toldSoFar, type Kept } from './robot-house';

const ACK_MS = 1_000;
const IN_VAIN = 'The robot did not acknowledge within 1 s.';
const house = new RobotHouse(ACK_MS);

const errorsOf = async (id: string) => (await house.row(id)).tries.map(({ error }) => error);

/** It was acknowledged in the end, after so many attempts in vain or more: who stands still lets another time pass. */
async function expectInVain(id: string, atLeast: number): Promise<void> {
  const errors = await errorsOf(id);
  expect(errors.length).toBeGreaterThan(atLeast);
  expect(errors).toEqual([...Array.from({ length: errors.length - 1 }, () => IN_VAIN), null]);
}

onTwoReplicas(house, () => {
  test('what is not acknowledged in time is handed over again, to whoever is there; each time is an attempt', async () => {
    const kept = await house.robot();
    const silent = await house.connected(kept, house.one);
    const [id = ''] = await house.deliver(kept, 1);
    expect((await nextOf(silent)).id).toBe(id);
    expect((await nextOf(silent)).id).toBe(id);
    const errors = await errorsOf(id);
    expect(errors.length).toBeGreaterThan(0);
    expect(errors).toEqual(errors.map(() => IN_VAIN));
    silent.drop();
    const busy = await house.connected(kept, house.two);
    expect((await nextOf(busy)).id).toBe(id);
    acknowledge(busy, id);
    await house.settled(id);
    await expectInVain(id, Math.max(3, [silent, busy].flatMap(toldSoFar).length) - 1);
  });

  test('a late acknowledgement counts', async () => {
    const kept = await house.robot();
    const slow = await house.connected(kept, house.one);
    const [id = ''] = await house.deliver(kept, 1);
    await nextOf(slow);
    await eventually(
      async () => (await errorsOf(id)).length > 0,
      async () => `an attempt in vain, not ${JSON.stringify(await house.row(id))}`,
    );
    acknowledge(slow, id);
    await house.settled(id);
    expect(await errorsOf(id)).toContain(null);
  });

  test('who lets time pass gets one at a time until it acknowledges again', async () => {
    const kept = await house.robot();
    const robot = await house.connected(kept, house.one);
    const ids = await house.deliver(kept, 5);
    for (const id of ids) expect((await nextOf(robot)).id).toBe(id);
    const first = await nextOf(robot);
    await robot.fence();
    // Another one may have taken its place: its time passes as well.
    const state = 'sending';
    expect(await house.prisma.webhookDelivery.count({ where: { id: { in: ids }, state } })).toBeLessThan(2);
    acknowledge(robot, first.id);
    await house.settled(first.id);
    const left = ids.filter((id) => id !== first.id);
    await expectAll(robot, left);
    for (const id of left) acknowledge(robot, id);
    await house.settled(...left);
  });

  test('what a replica that died had handed over goes on from another one, when its time is over', async () => {
    const kept = await house.robot();
    const dead = brandAs<SessionId>('a session of a replica that died');
    // As the dead one did it, before anybody was there.
    const ids = await house.deliver(kept, 2);
    const handed = await new RobotDeliveryStore(house.prisma, ACK_MS).hand(
      { id: kept.webhook, robot: kept.robot.id, fifo: false },
      [dead, dead],
    );
    expect(handed.map(({ id }) => id)).toEqual(ids);
    const robot = await house.connected(kept, house.two);
    await expectAll(robot, ids);
    for (const id of ids) acknowledge(robot, id);
    await house.settled(...ids);
    for (const id of ids) await expectInVain(id, 1);
  });

  test('what lapses for the third time when its robot is back, as a dead connection had it, does not wait for the pause', async () => {
    const kept = await house.robot();
    const ids = await house.deliver(kept, 1);
    await house.prisma.webhookDelivery.updateMany({ where: { id: { in: ids } }, data: { attempts: 2 } });
    const dead = brandAs<SessionId>('a session of a robot that fell over');
    const webhook = { id: kept.webhook, robot: kept.robot.id, fifo: false };
    await new RobotDeliveryStore(house.prisma, ACK_MS).hand(webhook, [dead]);
    const robot = await house.connected(kept, house.two);
    await expectAll(robot, ids, 20_000);
    for (const id of ids) acknowledge(robot, id);
    await house.settled(...ids);
  });

  test('what was to be handed over later comes when its robot resumes, or answers after it was away as a whole', async () => {
    const kept = await house.robot();
    const robot = await house.connected(kept, house.one);
    const putOff = async (...ids: string[]) =>
      house.prisma.webhookDelivery.updateMany({
        where: { id: { in: ids } },
        data: { state: 'pending', lockedUntil: null, nextAttemptAt: new Date(Date.now() + 3_600_000) },
      });
    robot.drop();
    await robot.expectClosed();
    const first = await house.deliver(kept, 1);
    await putOff(...first);
    const back = await house.region.connect(house.one, 'back');
    await back.helloResume(robot.resumeId);
    await expectAll(back, first, 20_000);
    for (const id of first) acknowledge(back, id);
    await house.settled(...first);

    const [slow = ''] = await house.deliver(kept, 1);
    // It answers nothing, several times over.
    const told = () => toldSoFar(back).filter((id) => id === slow).length;
    await eventually(
      () => told() >= 3,
      () => `${slow} to be told three times; it was ${told()} times`,
      20_000,
    );
    const later = await house.deliver(kept, 1);
    await putOff(...later);
    acknowledge(back, slow);
    await house.settled(slow);
    await expectAll(back, later, 20_000);
  });

  test('while Redis is away nothing is lost and nothing counts; afterwards everything comes', async () => {
    const kept = await house.robot();
    const robot = await house.connected(kept, house.one);
    const [before = ''] = await house.deliver(kept, 1);
    await nextOf(robot);
    acknowledge(robot, before);
    await house.settled(before);
    await house.region.redis.restart();
    const ids = await house.deliver(kept, 3);
    await expectAll(robot, ids, 20_000);
    for (const id of ids) acknowledge(robot, id);
    await house.settled(...ids);
  });

  test('a robot has a hundred sessions at most, on all replicas together', async () => {
    const kept = await house.robot();
    const replicas = [house.one, house.two];
    const connect = (n: number) => house.connected(kept, replicas[n % 2]);
    for (let n = 0; n < SESSIONS_PER_ROBOT; n += 10) {
      await Promise.all(Array.from({ length: 10 }, (_unused, each) => connect(n + each)));
    }
    await expect(connect(0)).rejects.toThrow(/session_limit_exceeded/);
    await house.connected(await house.robot(), house.one);
  });

  test('a removed robot is thrown out within a second, on all replicas, and cannot come back', async () => {
    const remove = async ({ robot }: Kept) => {
      await house.region.database.stores.robots.remove(robot.id, new Date());
      await house.ring();
    };
    await expectWithin(1_000, async () => {
      const one = await house.robot();
      const both = [await house.connected(one, house.one), await house.connected(one, house.two)];
      await remove(one);
      const gone = both.map((robot) =>
        takes('its bye', async () => expect(robot.received.map(({ type }) => type)).toContain('bye')),
      );
      return Math.max(...(await Promise.all(gone)));
    });
    const kept = await house.robot();
    const there = [await house.connected(kept, house.one), await house.connected(kept, house.two)];
    const [id = ''] = await house.deliver(kept, 1);
    const away = await house.connected(kept, house.two);
    away.drop();
    await away.expectClosed();
    const stays = await house.connected(await house.robot(), house.one);
    const ticket = await house.ticket(kept);
    await remove(kept);
    for (const robot of there) {
      expect(await robot.expect('bye')).toMatchObject({ bye: { reason: 'robot_removed' } });
      await robot.expectClosedForGood();
    }
    const back = await house.region.connect(house.one, 'back');
    await expect(back.helloResume(away.resumeId)).rejects.toThrow(/no_such_session/);
    await expect(back.hello(ticket)).rejects.toThrow(/invalid_token/);
    expect((await house.row(id)).state).not.toBe('delivered');
    await stays.fence();
  });

  test('another connect key throws out who came in with the one of before, without a bell too', async () => {
    const kept = await house.robot();
    const robot = await house.connected(kept, house.two);
    const keyHash = connectKeyHash('another');
    await house.region.database.stores.robots.replaceKey(kept.robot.id, keyHash);
    await robot.expect('bye');
    const again = await house.connected({ ...kept, keyHash }, house.one);
    const [id = ''] = await house.deliver(kept, 1);
    expect((await nextOf(again)).id).toBe(id);
  });
});

/** Waits until it was told all of these, in whatever order and maybe more than once. */
async function expectAll(robot: ScriptedSignalingClient, ids: readonly string[], timeoutMs = 20_000): Promise<void> {
  const from = robot.received.length;
  const missing = () => ids.filter((id) => !toldSoFar(robot).includes(id));
  await eventually(
    () => missing().length === 0,
    () => `${missing().join(', ')} to be told; ${robot.received.slice(from).length} frames came`,
    timeoutMs,
  );
}
