import { brandAs, type ReplicaId } from '@parley/domain';
import { eventually, startRedis, startRedisCluster, type TestRedis } from '@parley/testing';
import Redis from 'ioredis';
import { createRedisLive, parseRedisTarget } from '../src/index';
import { Keys } from '../src/redis/keys';
import { redisStore } from '../src/redis/redis-live';
import { say, TENANT, TIMES, World } from './conformance/world';

describe('when Redis itself goes away', () => {
  let server: TestRedis;
  let world: World;

  beforeEach(async () => {
    server = await startRedis();
    world = new World({
      connect: (times) => redisStore({ url: server.url }, times),
      flush: async () => undefined,
      close: async () => undefined,
    });
  });
  afterEach(async () => {
    await world.close();
    await server.close();
  });

  it('refuses fast with `unavailable`, and is restored by itself when an empty Redis comes back', async () => {
    const [a, b] = [world.node(), world.node()];
    const room = world.room();
    const [ann, bob] = [await a.open('ann'), await b.open('bob')];
    await ann.join(room);
    await bob.join(room);
    await ann.sink.expectLines('+bob');
    const before = await a.live.rooms.members(room);
    await server.kill();
    const since = performance.now();
    const refused = { code: 'unavailable' };
    await expect(a.live.sessions.toSession(TENANT, bob.id, say('lost'))).rejects.toMatchObject(refused);
    await expect(a.live.sessions.toRoom(room, say('lost'))).rejects.toMatchObject(refused);
    expect(await a.live.healthy()).toBe(false);
    expect(performance.now() - since).toBeLessThan(10_000);
    await server.restart();
    await eventually(async () => (await a.live.rooms.members(room)).length === 2, 'both members', 15_000);
    expect(await b.live.rooms.members(room)).toEqual(before);
    const sent = async () => (await b.live.sessions.toSession(TENANT, ann.id, say('m'))) === 'sent';
    await eventually(sent, 'ann to be known again', 15_000);
    await ann.sink.expectLines('+bob', 'm');
    await eventually(() => a.live.sessions.toRoom(room, say('r')).then(() => true), 'the room', 15_000);
    await bob.sink.until(() => bob.sink.lines.at(-1) === 'r', 'r', 15_000);
    expect(await a.live.healthy()).toBe(true);
    await ann.session.detach();
    expect(await b.resume(ann, ann.sink.last)).toBeDefined();
  }, 60_000);

  it('refuses with `unavailable` what a Redis that stands still does not answer, and goes on when it goes on', async () => {
    const [a, b] = [world.node(), world.node()];
    const room = world.room();
    const [ann, bob] = [await a.open('ann'), await b.open('bob')];
    await ann.join(room);
    process.kill(server.pid, 'SIGSTOP');
    try {
      // By a call of its own, with others as one, and over the connection of the subscriptions.
      const answers = await Promise.allSettled([
        a.live.sessions.find(bob.id),
        a.live.sessions.toSession(TENANT, bob.id, say('lost')),
        a.store.bus.listen('s:somebody', () => undefined),
      ]);
      const unavailable = { status: 'rejected', reason: { code: 'unavailable' } };
      expect(answers).toMatchObject([unavailable, unavailable, unavailable]);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    const sent = async () => (await a.live.sessions.toSession(TENANT, bob.id, say('m'))) === 'sent';
    await eventually(sent, 'bob to be reached again', 15_000);
    await bob.sink.until(() => bob.sink.lines.includes('m'), 'm', 15_000);
  }, 60_000);

  it('loads its scripts again when Redis forgot them', async () => {
    const a = world.node();
    const ann = await a.open('ann');
    const admin = new Redis(server.url);
    for (let n = 1; n <= 3; n++) {
      await a.live.sessions.toSession(TENANT, ann.id, say(`m${n}`));
      await admin.script('FLUSH');
    }
    await ann.sink.expectLines('m1', 'm2', 'm3');
    admin.disconnect();
  });

  it('hears again after its subscriptions were cut', async () => {
    const [a, b] = [world.node(), world.node()];
    const ann = await a.open('ann');
    const admin = new Redis(server.url);
    await admin.client('KILL', 'TYPE', 'pubsub');
    await b.live.sessions.toSession(TENANT, ann.id, say('m1'));
    await ann.sink.expectLines('m1');
    admin.disconnect();
  });

  it('leaves no connection and no subscription behind', async () => {
    const live = createRedisLive({
      replica: brandAs<ReplicaId>('leaver'),
      redis: parseRedisTarget(server.url),
      times: TIMES,
    });
    expect(await live.healthy()).toBe(true);
    await live.close();
    const admin = new Redis(server.url);
    await eventually(
      async () =>
        String(await admin.client('LIST'))
          .trim()
          .split('\n').length === 1,
      async () => `only our own connection, there are: ${String(await admin.client('LIST'))}`,
    );
    admin.disconnect();
  });

  it('unsubscribes from what nobody needs', async () => {
    const a = world.node();
    const ann = await a.open('ann');
    await ann.join(world.room());
    await ann.join(world.room());
    await ann.session.close();
    const admin = new Redis(server.url);
    const channels = async () => ((await admin.pubsub('CHANNELS', '*')) as string[]).join(' ');
    await eventually(async () => (await channels()) === '', channels);
    admin.disconnect();
  });
});

describe('when one node of a cluster loses its data', () => {
  it('takes members out whose sessions were on it, when nobody gives them back', async () => {
    const cluster = await startRedisCluster(3);
    const world = new World({
      connect: (times) => redisStore({ cluster: cluster.urls }, times),
      flush: async () => undefined,
      close: async () => undefined,
    });
    const admins = cluster.urls.map((url) => new Redis(url));
    try {
      const [a, b] = [world.node(), world.node()];
      const keys = new Keys('parley:');
      const nodeOf = async (key: string) => Math.floor((Number(await admins[0]?.cluster('KEYSLOT', key)) * 3) / 16_384);
      const room = world.room();
      const [members] = keys.room(room);
      const ann = await a.open('ann');
      await ann.join(room);
      // Somebody whose session is on another node than the room, and whose connection broke.
      let bob = await b.open('bob');
      while ((await nodeOf(keys.session(bob.id)[0])) === (await nodeOf(members))) bob = await b.open('bob');
      await bob.join(room);
      await ann.sink.expectLines('+bob');
      await bob.session.detach();
      await admins[await nodeOf(keys.session(bob.id)[0])]?.flushall();
      await ann.sink.until(() => ann.sink.lines.includes('-bob'), '-bob', 15_000);
      expect(await a.live.rooms.members(room)).toHaveLength(1);
    } finally {
      for (const admin of admins) admin.disconnect();
      await world.close();
      await cluster.close();
    }
  }, 60_000);

  it('restores what was on it', async () => {
    const cluster = await startRedisCluster(3);
    const world = new World({
      connect: (times) => redisStore({ cluster: cluster.urls }, times),
      flush: async () => undefined,
      close: async () => undefined,
    });
    try {
      const [a, b] = [world.node(), world.node()];
      const room = world.room();
      const people = await Promise.all([...Array(6).keys()].map((n) => (n % 2 ? a : b).open(`p${n}`)));
      for (const person of people) await person.join(room);
      for (const url of cluster.urls) {
        const admin = new Redis(url);
        await admin.flushall();
        admin.disconnect();
        await eventually(
          async () => {
            const known = await Promise.all(people.map(({ id }) => a.live.sessions.find(id)));
            return known.every((info) => info?.room === room) && (await a.live.rooms.members(room)).length === 6;
          },
          'all six to be known again',
          15_000,
        );
      }
      await eventually(() => a.live.sessions.toRoom(room, say('still here')).then(() => true), 'the room', 15_000);
      for (const { sink } of people) await sink.until(() => sink.lines.includes('still here'), 'the message', 15_000);
      for (const { sink } of people) expect(sink.lines.filter((line) => line.startsWith('-'))).toEqual([]);
    } finally {
      await world.close();
      await cluster.close();
    }
  }, 120_000);
});
