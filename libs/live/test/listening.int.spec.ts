import { DomainError } from '@parley/domain';
import { eventually, startRedis } from '@parley/testing';
import Redis from 'ioredis';
import { RedisBus } from '../src/redis/bus';
import { RedisConnection } from '../src/redis/connection';
import { Keys } from '../src/redis/keys';

it('who listens is heard although another one, who began before, failed after it', async () => {
  const redis = await startRedis();
  const client = new Redis(redis.url);
  const quiet = { warn: () => undefined };
  const keys = new Keys('');
  const target = { url: redis.url, answerMs: 20_000 };
  const connection = new RedisConnection(target, quiet);
  const bus = new RedisBus(target, connection, keys, quiet);
  try {
    let fail: (() => void) | undefined;
    const unanswered = new Promise<never>((_resolve, reject) => {
      fail = () => reject(new DomainError('unavailable', 'no answer'));
    });
    jest.spyOn(connection, 'guard').mockReturnValueOnce(unanswered);
    const first = bus.listen('r:room', () => undefined);
    const heard: string[] = [];
    await bus.listen('r:room', (text) => heard.push(text));
    fail?.();
    await expect(first).rejects.toMatchObject({ code: 'unavailable' });
    await client.publish(keys.channel('r:room'), 'hello');
    await eventually(() => heard.length > 0, 'what was said');
    expect(heard).toEqual(['hello']);
  } finally {
    client.disconnect();
    bus.close();
    connection.close();
    await redis.close();
  }
});
