import { join } from 'node:path';
import { freePort, startRedisServer, type RedisServer } from '@parley/tools/provision';
import Redis from 'ioredis';
import { eventually } from './eventually';
import { forgetProcess, registerProcess, temporaryFolder } from './test-processes';

/** A private Redis for one test file. It keeps nothing on disk. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** Changes with `restart`. */
  readonly pid: number;
  /** Ends the process and starts an empty one on the same port. */
  restart(): Promise<void>;
  /** `kill -9`: connections break, nobody is told. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts a Redis (or Valkey) on a free loopback port.
 * @throws Error naming the ways to get one, when no server program is on the PATH
 */
export async function startRedis(): Promise<TestRedis> {
  const folder = temporaryFolder('parley-redis');
  const port = await freePort();
  const launch = () => launchRedis(folder.path, port);
  let server = await launch();
  const end = async (signal?: NodeJS.Signals) => {
    await server.stop(signal);
    forgetProcess(server.pid);
  };
  return {
    url: server.url,
    port,
    get pid() {
      return server.pid;
    },
    async restart() {
      await end('SIGKILL');
      server = await launch();
    },
    kill: () => end('SIGKILL'),
    async close() {
      await end();
      folder.remove();
    },
  };
}

async function launchRedis(dir: string, port: number, args: string[] = []): Promise<RedisServer> {
  const server = await startRedisServer({ dir, port, args, logFile: join(dir, `redis-${port}.log`) });
  registerProcess(server.pid);
  return server;
}

/** A Redis Cluster of local processes. */
export interface TestRedisCluster {
  /** One url per node; each knows the others. */
  urls: string[];
  close(): Promise<void>;
}

const SLOTS = 16_384;

/**
 * Starts a Redis Cluster of `nodes` masters without replicas, all slots assigned.
 * @returns when every node says `cluster_state:ok` and knows every other
 */
export async function startRedisCluster(nodes = 3): Promise<TestRedisCluster> {
  const folder = temporaryFolder('parley-redis-cluster');
  const servers: RedisServer[] = [];
  for (let node = 0; node < nodes; node += 1) servers.push(await launchNode(folder.path));
  const clients = servers.map((server) => new Redis(server.port, '127.0.0.1', { lazyConnect: false }));
  try {
    await joinNodes(servers, clients);
    await eventually(
      async () => (await Promise.all(clients.map((client) => isClusterReady(client, nodes)))).every(Boolean),
      async () => `every node to say cluster_state:ok; they say: ${(await clusterInfos(clients)).join(' | ')}`,
      20_000,
    );
  } finally {
    for (const client of clients) client.disconnect();
  }
  return {
    urls: servers.map((server) => server.url),
    async close() {
      await Promise.all(servers.map((server) => server.stop('SIGKILL')));
      for (const server of servers) forgetProcess(server.pid);
      folder.remove();
    },
  };
}

async function launchNode(dir: string): Promise<RedisServer> {
  const port = await freePort();
  const busPort = await freePort();
  return launchRedis(dir, port, [
    ...['--cluster-enabled', 'yes', '--cluster-config-file', `nodes-${port}.conf`],
    ...['--cluster-port', String(busPort), '--cluster-node-timeout', '5000', '--cluster-require-full-coverage', 'yes'],
  ]);
}

async function joinNodes(servers: RedisServer[], clients: Redis[]): Promise<void> {
  const [first] = servers;
  if (first === undefined) throw new Error('a cluster has at least one node');
  await Promise.all(
    clients.map(async (client, index) => {
      const from = Math.floor((SLOTS * index) / clients.length);
      const to = Math.floor((SLOTS * (index + 1)) / clients.length) - 1;
      await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    }),
  );
  for (const [index, client] of clients.entries()) {
    for (const [other, server] of servers.entries()) {
      if (other !== index)
        await client.call('CLUSTER', 'MEET', '127.0.0.1', server.port, await busPortOf(clients[other]));
    }
  }
}

async function busPortOf(client: Redis | undefined): Promise<string> {
  const answer = (await client?.call('CONFIG', 'GET', 'cluster-port')) as string[] | undefined;
  return answer?.[1] ?? '0';
}

async function isClusterReady(client: Redis, nodes: number): Promise<boolean> {
  const info = await clusterInfo(client);
  return (
    info.includes('cluster_state:ok') &&
    info.includes(`cluster_known_nodes:${nodes}`) &&
    info.includes(`cluster_slots_ok:${SLOTS}`)
  );
}

async function clusterInfo(client: Redis): Promise<string> {
  return String(await client.call('CLUSTER', 'INFO'));
}

async function clusterInfos(clients: Redis[]): Promise<string[]> {
  const infos = await Promise.all(clients.map(clusterInfo));
  return infos.map((info) => info.split('\r\n').slice(0, 7).join(' '));
}
