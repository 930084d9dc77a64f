import { startRedis, startRedisCluster } from '@parley/testing';
import { Redis } from 'ioredis';
import { TcpGate } from '../tcp-gate';

const SLOTS = 16_384;

export type RedisKind = 'one Redis' | 'a Redis cluster';

/** A Redis whose connections lead through gates, and which can lose what it knows. */
export interface RedisBehindGates {
  /** `REDIS_URL` of those who go through the gates. */
  readonly url: string;
  /** The servers themselves. */
  readonly urls: readonly string[];
  readonly gates: readonly TcpGate[];
  /** Which of the servers has this key. */
  nodeOf(key: string): Promise<number>;
  /** Ends the n-th server and starts it again, empty. */
  restart(node: number): Promise<void>;
  /** FLUSHALL, everywhere. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export function startRedisBehindGates(kind: RedisKind): Promise<RedisBehindGates> {
  return kind === 'one Redis' ? startOne() : startCluster();
}

async function startOne(): Promise<RedisBehindGates> {
  const redis = await startRedis();
  const gate = await TcpGate.to(redis.url);
  return behind([gate], [redis.url], { restart: () => redis.restart('SIGTERM'), close: () => redis.close() });
}

async function startCluster(): Promise<RedisBehindGates> {
  const gates: TcpGate[] = [];
  const cluster = await startRedisCluster(3, async (port) => {
    const gate = await TcpGate.to(`redis://127.0.0.1:${port}`);
    gates.push(gate);
    return gate.port;
  });
  return behind(gates, cluster.urls, {
    restart: async (node) => cluster.nodes[node]?.restart(),
    close: () => cluster.close(),
  });
}

function behind(
  gates: readonly TcpGate[],
  urls: readonly string[],
  servers: Pick<RedisBehindGates, 'restart' | 'close'>,
): RedisBehindGates {
  return {
    url: gates.map(({ port }) => `redis://127.0.0.1:${port}`).join(','),
    urls,
    gates,
    restart: servers.restart,
    async nodeOf(key) {
      const admin = new Redis(urls[0] ?? '');
      const slot = urls.length === 1 ? 0 : Number(await admin.call('CLUSTER', 'KEYSLOT', key));
      admin.disconnect();
      return Math.floor((slot * urls.length) / SLOTS);
    },
    async flush() {
      const admins = urls.map((url) => new Redis(url));
      await Promise.all(admins.map((admin) => admin.flushall()));
      for (const admin of admins) admin.disconnect();
    },
    async close() {
      await Promise.all(gates.map((gate) => gate.close()));
      await servers.close();
    },
  };
}
