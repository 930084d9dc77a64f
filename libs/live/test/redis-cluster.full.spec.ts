import { startRedisCluster } from '@parley/testing';
import Redis from 'ioredis';
import { redisStore } from '../src/redis/redis-live';
import { conformance } from './conformance/suite';

/** Longer than anything of a busy machine stands still: what is refused then is not looked at here. */
const ANSWER_MS = 20_000;

conformance('a Redis cluster of three nodes', async () => {
  const cluster = await startRedisCluster(3);
  return {
    connect: (times) => redisStore({ cluster: cluster.urls, answerMs: ANSWER_MS }, times),
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
