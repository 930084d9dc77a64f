import {
  brandAs,
  type AccountId,
  type RegionId,
  type RobotId,
  type RoomName,
  type SessionId,
  type TenantKey,
} from '@parley/domain';
import { OutboxRelayStore } from '@parley/persistence';
import { eventually } from '@parley/testing';
import { DOMAIN, PUBLIC_URL } from './gateway';
import { inEveryLayout } from './layouts';
import { acknowledge, isDelivery, nextOf, RobotHouse, toldSoFar } from './robot-house';

const house = new RobotHouse();

inEveryLayout(house, () => {
  test('a robot is told what happens in a room, with its secrets as they are now, and acknowledges it', async () => {
    const relay = new OutboxRelayStore(house.prisma);
    // What other tests did in rooms is not for this robot.
    await relay.relay(1_000);
    const kept = await house.robot();
    const robot = await house.connected(kept);
    const { rooms } = house.region.rules(house.two);
    const name = brandAs<RoomName>(`room-${kept.robot.id}`);
    const { account } = await house.prisma.domain.findFirstOrThrow({ include: { account: true } });
    await rooms.init(brandAs<AccountId>(account.id), { domain: DOMAIN, name, addHostKey: true, password: 'pw' });
    expect((await relay.relay(1_000)).robots).toBe(true);
    await house.ring();
    const told = await nextOf(robot);
    expect(told).toEqual({
      id: expect.stringMatching(/^dlv_/) as unknown,
      webhookId: kept.webhook,
      event: 'roomCreated',
      domain: DOMAIN,
      roomName: name,
      eventId: expect.stringMatching(/^evt_eu-1_/) as unknown,
      roomSessionId: expect.stringMatching(/^rs_eu-1_/) as unknown,
      seq: 1,
      occurredAt: expect.stringMatching(/Z$/) as unknown,
      options: {
        type: 1,
        capacity: expect.any(Number) as unknown,
        isLocked: false,
        password: 'pw',
        hostKey: expect.any(String) as unknown,
      },
    });
    expect((await house.row(told.id)).state).toBe('sending');
    acknowledge(robot, told.id);
    await house.settled(told.id);
    const { attempts, tries } = await house.row(told.id);
    expect({ attempts, tries }).toMatchObject({ attempts: 1, tries: [{ number: 1, status: null, error: null }] });
    // Once more changes nothing and is no mistake.
    acknowledge(robot, told.id);
    await robot.expectNothing('error');
    await house.prisma.webhook.update({ where: { id: BigInt(kept.webhook) }, data: { removedAt: new Date() } });
  });

  test('what happened while it was away waits without costing an attempt, and comes in order when it is there', async () => {
    const kept = await house.robot();
    const ids = await house.deliver(kept, 5);
    // The replicas have looked by then.
    const other = await house.robot();
    const passerby = await house.connected(other, house.two);
    const [marker = ''] = await house.deliver(other, 1);
    expect((await nextOf(passerby)).id).toBe(marker);
    for (const id of ids) expect(await house.row(id)).toMatchObject({ state: 'pending', attempts: 0, tries: [] });
    const robot = await house.connected(kept, house.two);
    for (const id of ids) expect((await nextOf(robot)).id).toBe(id);
    for (const id of ids) acknowledge(robot, id);
    await house.settled(...ids);
  });

  test('of several connections of one robot each gets a part, and no delivery goes to two', async () => {
    const kept = await house.robot();
    const robots = [await house.connected(kept, house.one), await house.connected(kept, house.two)];
    const ids = await house.deliver(kept, 100);
    // Nobody acknowledges before: one alone would take everything, were the other held up.
    await eventually(
      () => robots.every((robot) => toldSoFar(robot).length > 0),
      () => `something for each, not ${robots.map((each) => toldSoFar(each).length).join(' and ')}`,
    );
    const work = robots.map(async (robot) => {
      let done = 0;
      await eventually(
        async () => {
          const told = toldSoFar(robot);
          for (const id of told.slice(done)) acknowledge(robot, id);
          done = told.length;
          return toldSoFar(robots[0]!).length + toldSoFar(robots[1]!).length >= ids.length;
        },
        () => `${ids.length} deliveries in all, not ${robots.map((each) => toldSoFar(each).length).join(' + ')}`,
        20_000,
      );
      for (const id of toldSoFar(robot).slice(done)) acknowledge(robot, id);
    });
    await Promise.all(work);
    await house.settled(...ids);
    const [first = [], second = []] = robots.map(toldSoFar);
    expect([...first, ...second].sort()).toEqual([...ids].sort());
    expect(first.length).toBeGreaterThan(0);
    expect(second.length).toBeGreaterThan(0);
  });

  test('sixteen wait for their acknowledgement at most; each one makes room for another', async () => {
    const kept = await house.robot();
    const robot = await house.connected(kept, house.two);
    const ids = await house.deliver(kept, 20);
    for (const id of ids.slice(0, 16)) expect((await nextOf(robot)).id).toBe(id);
    await house.ring();
    await robot.expectNothing(isDelivery);
    expect(await house.prisma.webhookDelivery.count({ where: { id: { in: ids }, state: 'sending' } })).toBe(16);
    acknowledge(robot, ids[7] ?? '');
    expect((await nextOf(robot)).id).toBe(ids[16]);
    await robot.expectNothing(isDelivery);
    for (const id of ids) acknowledge(robot, id);
    for (const id of ids.slice(17)) acknowledge(robot, (await nextOf(robot)).id === id ? id : 'another one');
    await house.settled(...ids);
  });

  test('fifo: a room waits for its acknowledgement, other rooms do not', async () => {
    const kept = await house.robot({ order: 'fifo' });
    const robots = [await house.connected(kept, house.one), await house.connected(kept, house.two)];
    const [a1 = '', a2 = '', a3 = ''] = await house.deliver(kept, 3, 'a');
    const [b1 = ''] = await house.deliver(kept, 1, 'b');
    const told = () => robots.flatMap(toldSoFar);
    const expectTold = (...ids: string[]) =>
      eventually(
        () => ids.every((id) => told().includes(id)),
        () => `${ids.join(', ')}; told: ${told().join(', ')}`,
      );
    await expectTold(a1, b1);
    const settle = (id: string) => acknowledge(robots.find((each) => toldSoFar(each).includes(id)) ?? robots[0]!, id);
    settle(b1);
    await house.settled(b1);
    for (const robot of robots) await robot.fence();
    expect(told().sort()).toEqual([a1, b1].sort());
    for (const [id, next] of [
      [a1, a2],
      [a2, a3],
    ] as const) {
      settle(id);
      await expectTold(next);
      if (next === a2) expect(told()).not.toContain(a3);
    }
    settle(a3);
    await house.settled(a1, a2, a3);
  });

  test('who resumes hears what was missed and may acknowledge what came before', async () => {
    const kept = await house.robot();
    const robot = await house.connected(kept, house.one);
    const [before = ''] = await house.deliver(kept, 1);
    expect((await nextOf(robot)).id).toBe(before);
    robot.drop();
    await robot.expectClosed();
    const missed = await house.deliver(kept, 2);
    const again = await house.region.connect(house.two, 'again');
    expect((await again.helloResume(robot.resumeId)).hello).toMatchObject({ sessionid: robot.sessionId, userid: '' });
    const told = [await nextOf(again), await nextOf(again)].map(({ id }) => id);
    expect(told).toEqual(expect.arrayContaining(missed));
    for (const id of [before, ...missed]) acknowledge(again, id);
    await house.settled(before, ...missed);
    await again.expectNothing('error');
    // Nobody handed the first one over again.
    expect((await house.row(before)).attempts).toBe(1);
  });

  test('who says bye lets go of what it holds, for others at once', async () => {
    const kept = await house.robot();
    const leaving = await house.connected(kept, house.one);
    const [id = ''] = await house.deliver(kept, 1);
    await nextOf(leaving);
    const staying = await house.connected(kept, house.two);
    await leaving.bye();
    expect((await nextOf(staying)).id).toBe(id);
    acknowledge(staying, id);
    await house.settled(id);
    const { tries } = await house.row(id);
    expect(tries.map(({ error }) => error)).toEqual(['The robot went away before it acknowledged.', null]);
  });

  test('nobody acknowledges what was handed to another robot, or to none', async () => {
    const [mine, other] = [await house.robot(), await house.robot()];
    const robot = await house.connected(mine, house.one);
    const [id = ''] = await house.deliver(mine, 1);
    await nextOf(robot);
    const stranger = await house.connected(other, house.two);
    const [waiting = ''] = await house.deliver(await house.robot(), 1);
    for (const foreign of [id, waiting, 'dlv_0', "x'; --", 'a\u0000b']) {
      const answer = await stranger.request('ack', { id: foreign });
      expect(answer).toMatchObject({ error: { code: 'no_such_delivery' } });
    }
    const visitor = await house.region.visitor(house.two, 'visitor', 'lobby');
    acknowledge(visitor, id);
    await visitor.expectNothing('error');
    expect((await house.row(id)).state).toBe('sending');
    expect(await house.row(waiting)).toMatchObject({ state: 'pending', attempts: 0 });
    acknowledge(robot, id);
    await house.settled(id);
  });

  test('a ticket is good once, for its robot with its key, and for no room', async () => {
    const kept = await house.robot();
    const login = await house.ticket(kept);
    const hello = async (given: { ticket: string; authUrl: string }) =>
      (await house.region.connect(house.two, 'somebody')).hello(given);
    const robot = await house.region.connect(house.one, 'robot');
    await robot.hello(login);
    await expect(hello(login)).rejects.toThrow(/invalid_token/);
    await expect(hello(await house.ticket(kept, { robot: brandAs<RobotId>(1) }))).rejects.toThrow(/invalid_token/);
    await expect(hello(await house.ticket(kept, { keyMark: 'another' }))).rejects.toThrow(/invalid_token/);
    await expect(hello(await house.ticket(kept, { region: brandAs<RegionId>('us-1') }))).rejects.toThrow(
      /wrong_region/,
    );
    await expect(hello({ ...login, ticket: `${login.ticket}x` })).rejects.toThrow(/invalid_token/);
    const { ticket } = await house.region.ticket(house.one, 'lobby');
    await (await house.region.connect(house.one, 'visitor')).hello({ authUrl: PUBLIC_URL, ticket });
    for (const roomid of [`${DOMAIN}/lobby`, 'x']) {
      expect(await robot.request('room', { roomid })).toMatchObject({ error: { code: 'not_allowed' } });
    }
  });

  test('a robot is nobody: it says nothing to people, and they cannot reach it', async () => {
    const kept = await house.robot();
    const robot = await house.connected(kept, house.one);
    const visitor = await house.region.visitor(house.two, 'visitor', 'lobby', { userId: 'ada' });
    await visitor.join(`${DOMAIN}/lobby`);
    visitor.message({ type: 'session', sessionid: robot.sessionId }, 'hello');
    await visitor.fence();
    for (const recipient of [
      { type: 'session' as const, sessionid: visitor.sessionId },
      { type: 'user' as const, userid: 'ada' },
      { type: 'room' as const },
    ]) {
      robot.message(recipient, 'hello');
      robot.send({ type: 'control', control: { recipient, data: 'hello' } });
    }
    await robot.expectNothing('message');
    await visitor.expectNothing('message');
    const { sessions } = house.two.live;
    const tenant = brandAs<TenantKey>(`domain:${DOMAIN}`);
    const event = { kind: 'notice' as const, topic: 'x', data: {} };
    expect(await sessions.toSession(tenant, brandAs<SessionId>(robot.sessionId), event)).toBe('unknown');
    const joined = visitor.received.filter(({ type }) => type === 'event');
    expect(JSON.stringify(joined)).not.toContain(robot.sessionId);
  });
});
