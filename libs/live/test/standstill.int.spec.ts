import { brandAs, type ReplicaId } from '@parley/domain';
import { eventually, startRedis, startRedisCluster } from '@parley/testing';
import type { RedisTarget } from '../src/redis/config';
import { redisStore } from '../src/redis/redis-live';
import { TIMES } from './conformance/world';

/** Redis itself has twice as long. */
const ANSWER_MS = 1_500;

/** As a paused virtual machine, or a process that is given no time. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function untilConnected<T>(ask: () => Promise<T>): Promise<T> {
  let answer: T | undefined;
  await eventually(async () => (answer = await ask()) !== undefined, 'a first answer');
  if (answer === undefined) throw new Error('there was no first answer');
  return answer;
}

async function beatsThroughAStandstill(target: RedisTarget): Promise<void> {
  const store = redisStore({ ...target, answerMs: ANSWER_MS }, TIMES);
  try {
    const replica = brandAs<ReplicaId>('replica-that-stands-still');
    const first = await untilConnected(() => store.registry.beat(replica));
    const sent = [store.registry.beat(replica), store.registry.beat(replica)];
    // What one turn asks for goes out at its end, and this comes right after that.
    await new Promise((resolve) => setImmediate(resolve));
    standStill(2 * ANSWER_MS);
    for (const beat of await Promise.all(sent)) expect(beat.generation).toBe(first.generation);
  } finally {
    await store.close();
  }
}

describe('a process that stands still for longer than a command may take', () => {
  it('hears what was answered meanwhile', async () => {
    const redis = await startRedis();
    try {
      await beatsThroughAStandstill({ url: redis.url });
    } finally {
      await redis.close();
    }
  });

  it('hears what the nodes of a cluster answered meanwhile', async () => {
    const cluster = await startRedisCluster(3);
    try {
      await beatsThroughAStandstill({ cluster: cluster.urls });
    } finally {
      await cluster.close();
    }
  });
});
