import { Client } from 'pg';
import Redis from 'ioredis';
import { startPostgres } from './postgres';
import { startRedis, startRedisCluster } from './redis';

describe('PostgreSQL for tests', () => {
  it('hands out migrated databases that are apart, and drops them', async () => {
    const postgres = await startPostgres();
    const [one, two] = await Promise.all([postgres.createDatabase(), postgres.createDatabase()]);
    const [first, second] = [new Client({ connectionString: one }), new Client({ connectionString: two })];
    await Promise.all([first.connect(), second.connect()]);
    await first.query('CREATE TABLE only_here (id int)');
    expect((await first.query("SELECT to_regclass('_prisma_migrations') AS found")).rows).toEqual([
      { found: '_prisma_migrations' },
    ]);
    expect((await second.query("SELECT to_regclass('only_here') AS found")).rows).toEqual([{ found: null }]);
    await Promise.all([first.end(), second.end()]);
    await postgres.close();
    const late = new Client({ connectionString: one });
    await expect(late.connect()).rejects.toThrow(/does not exist/);
  });
});

describe('Redis for tests', () => {
  it('restarts empty on its port, as another process', async () => {
    const redis = await startRedis();
    const client = new Redis(redis.url, { maxRetriesPerRequest: null });
    client.on('error', () => undefined);
    await client.set('a', '1');
    const before = redis.pid;
    await redis.restart();
    expect(redis.pid).not.toBe(before);
    expect(await client.get('a')).toBeNull();
    client.disconnect();
    await redis.close();
  });

  it('makes a cluster whose every node serves every key', async () => {
    const cluster = await startRedisCluster();
    const client = new Redis.Cluster(cluster.urls);
    await Promise.all(['a', 'b', 'c', 'd'].map((key) => client.set(key, key)));
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((key) => client.get(key)))).toEqual(['a', 'b', 'c', 'd']);
    client.disconnect();
    await cluster.close();
  });
});
