import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { eventually, startRedis, startRedisCluster } from '@parley/testing';
import { Cluster } from 'ioredis';
import { createRedis, type RedisRole } from './index';

const recorder = () => {
  const lines: string[] = [];
  return {
    lines,
    warn: (_fields: unknown, text = '') => void lines.push(text),
    info: (_fields: unknown, text = '') => void lines.push(text),
  };
};

describe('createRedis on one node', () => {
  it('answers, fails fast while Redis is away, comes back by itself, and logs the outage once', async () => {
    const server = await startRedis();
    const log = recorder();
    const redis = createRedis(server.url, 'commands', log);
    await eventually(async () => (await redis.set('a', '1')) === 'OK', 'Redis to answer');
    // On a busy machine it may have come late.
    log.lines.length = 0;
    await server.kill();
    const before = performance.now();
    await expect(redis.get('a')).rejects.toThrow();
    expect(performance.now() - before).toBeLessThan(12_000);
    await server.restart();
    await eventually(async () => (await redis.ping()) === 'PONG', 'Redis to answer again', 20_000);
    expect(log.lines).toEqual(['redis is out of reach', 'redis answers again']);
    redis.disconnect();
    await server.close();
  });

  it('as subscriber subscribes again after a restart', async () => {
    const server = await startRedis();
    const [publisher, subscriber] = (['commands', 'subscriber'] as RedisRole[]).map((role) =>
      createRedis(server.url, role, recorder()),
    );
    const heard: string[] = [];
    subscriber?.on('message', (_channel: string, text: string) => heard.push(text));
    await subscriber?.subscribe('news');
    await server.restart();
    await eventually(
      async () => (await publisher?.publish('news', 'hello').catch(() => 0), heard.includes('hello')),
      () => `"hello" to arrive, heard ${JSON.stringify(heard)}`,
      20_000,
    );
    publisher?.disconnect();
    subscriber?.disconnect();
    await server.close();
  });
});

describe('a subscriber that goes away while Redis does not answer', () => {
  it('leaves nothing behind that would end the process', async () => {
    const silent = createServer((socket) => void socket.resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo; // a TCP listener's is never a string
    const subscriber = createRedis(`redis://127.0.0.1:${port}`, 'subscriber', recorder());
    await eventually(
      () => subscriber.status === 'connect',
      () => `a connection, it is ${subscriber.status}`,
    );
    // As the Socket.IO adapter does it, without a look at the promises.
    void subscriber.ssubscribe('news');
    void subscriber.sunsubscribe('news');
    const ended = once(subscriber, 'end');
    subscriber.disconnect();
    await ended;
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => silent.close(resolve));
    // Jest fails a test in which a rejection is not handled.
    expect(subscriber.status).toBe('end');
  });
});

describe('createRedis on a cluster', () => {
  it('finds the node of a key and fails fast when the cluster is gone', async () => {
    const cluster = await startRedisCluster(3);
    const redis = createRedis(cluster.urls.join(','), 'commands', recorder());
    expect(redis).toBeInstanceOf(Cluster);
    for (const key of ['a', 'b', 'c', 'd'])
      await eventually(async () => (await redis.set(key, key)) === 'OK', `the node of ${key} to answer`);
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((key) => redis.get(key)))).toEqual(['a', 'b', 'c', 'd']);
    await cluster.close();
    const before = performance.now();
    await expect(redis.get('a')).rejects.toThrow();
    expect(performance.now() - before).toBeLessThan(15_000);
    redis.disconnect();
  });
});
