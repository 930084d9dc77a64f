import { eventually, startRedis, startRedisCluster } from '@parley/testing';
import { createRedis, hearOutboxBell, ringOutboxBell } from './index';

/** Rings until it was heard: a cluster's subscriber may still be finding its node. */
async function expectHeard(url: string): Promise<void> {
  const ringer = createRedis(url, 'commands');
  const listener = createRedis(url, 'subscriber');
  let heard = 0;
  await hearOutboxBell(listener, () => (heard += 1));
  await eventually(
    async () => {
      await ringOutboxBell(ringer);
      return heard > 0;
    },
    'the bell to be heard',
    20_000,
  );
  ringer.disconnect();
  listener.disconnect();
}

describe('the outbox bell', () => {
  it('is heard through one Redis', async () => {
    const server = await startRedis();
    await expectHeard(server.url);
    await server.close();
  });

  it('is heard through a cluster', async () => {
    const cluster = await startRedisCluster(3);
    await expectHeard(cluster.urls.join(','));
    await cluster.close();
  });
});
