import { startRedis } from '@parley/testing';
import Redis from 'ioredis';
import { redisStore } from '../src/redis/redis-live';
import { conformance } from './conformance/suite';

conformance('one Redis', async () => {
  const server = await startRedis();
  return {
    connect: (times) => redisStore({ url: server.url }, times),
    flush: () => flush(server.url),
    close: () => server.close(),
  };
});

async function flush(url: string): Promise<void> {
  const client = new Redis(url);
  await client.flushall();
  client.disconnect();
}
