import { startRedis } from '@parley/testing';
import Redis from 'ioredis';
import { redisStore } from '../src/redis/redis-live';
import { conformance } from './conformance/suite';

/** Longer than anything of a busy machine stands still: what is refused then is not looked at here. */
const ANSWER_MS = 20_000;

conformance('one Redis', async () => {
  const server = await startRedis();
  return {
    connect: (times) => redisStore({ url: server.url, answerMs: ANSWER_MS }, times),
    flush: () => flush(server.url),
    close: () => server.close(),
  };
});

async function flush(url: string): Promise<void> {
  const client = new Redis(url);
  await client.flushall();
  client.disconnect();
}
