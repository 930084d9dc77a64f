import { brandAs, type RoomSessionId } from '@parley/domain';
import { startRedis } from '@parley/testing';
import Redis from 'ioredis';
import { LIVE_TIMES } from '../src/index';
import { storeTimes } from '../src/limits';
import { Keys } from '../src/redis/keys';
import { redisStore } from '../src/redis/redis-live';

describe('when somebody is to look at a room', () => {
  it('somebody does, although another one looks just before there is something to see', async () => {
    const redis = await startRedis();
    const client = new Redis(redis.url);
    const { registry, close } = redisStore({ url: redis.url, answerMs: 20_000 }, LIVE_TIMES, 'here:');
    try {
      const room = brandAs<RoomSessionId>('rs_1');
      await registry.scheduleRoom(room, 0);
      const [claimed] = await registry.claimDueRooms(1);
      if (!claimed) throw new Error('the room was not due');
      // Later than the claim ends.
      await registry.scheduleRoom(room, 2 * storeTimes().claimMs);
      await registry.settleDueRoom(claimed);
      expect(await client.zscore(new Keys('here:').dueRooms, room)).not.toBeNull();
    } finally {
      client.disconnect();
      await close();
      await redis.close();
    }
  });
});
