import { startRedisCluster } from '@parley/testing';
import Redis from 'ioredis';
import { redisStore } from '../src/redis/redis-live';
import { conformance } from './conformance/suite';

conformance('a Redis cluster of three nodes', async () => {
  const cluster = await startRedisCluster(3);
  return {
    connect: (times) => redisStore({ cluster: cluster.urls }, times),
    flush: async () => {
      await Promise.all(cluster.urls.map(flush));
    },
    close: () => cluster.close(),
  };
});

async function flush(url: string): Promise<void> {
  const client = new Redis(url);
  await client.flushall();
  client.disconnect();
}
