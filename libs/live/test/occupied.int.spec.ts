import { startRedis } from '@parley/testing';
import Redis from 'ioredis';
import { LIVE_TIMES } from '../src/index';
import { Keys } from '../src/redis/keys';
import { redisStore } from '../src/redis/redis-live';

/** More than two pages of a scan hold. */
const ROOMS = 2_500;

describe('the rooms with somebody in them', () => {
  it('are all found although they fill several pages among other keys', async () => {
    const redis = await startRedis();
    const client = new Redis(redis.url);
    const store = redisStore({ url: redis.url }, LIVE_TIMES, 'here:');
    try {
      const ids = [...Array(ROOMS).keys()].map((n) => `rs_${n}`);
      const writes = client.pipeline();
      for (const id of ids) {
        writes.hset(new Keys('here:').membersOf(id), 'ann', '{}');
        writes.hset(new Keys('elsewhere:').membersOf(id), 'bob', '{}');
      }
      await writes.exec();
      const found = await store.rooms.occupied();
      expect([...found].sort()).toEqual([...ids].sort());
    } finally {
      client.disconnect();
      await store.close();
      await redis.close();
    }
  });
});
