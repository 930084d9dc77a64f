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
  /**
   * Ends the process and starts an empty one on the same port.
   * @param signal default SIGKILL; after SIGTERM what it answered is written before it ends
   */
  restart(signal?: NodeJS.Signals): Promise<void>;
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
    async restart(signal = 'SIGKILL') {
      await end(signal);
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

/** One node of a {@link TestRedisCluster}. */
export interface TestRedisNode {
  /** Its own address, whatever it announces. */
  readonly url: string;
  /** Ends the process; its replies are written first. It starts again on the same port, with its slots and no data. */
  restart(): Promise<void>;
}

/** A Redis Cluster of local processes. */
export interface TestRedisCluster {
  /** One url per node; each knows the others. */
  urls: string[];
  nodes: readonly TestRedisNode[];
  close(): Promise<void>;
}

const SLOTS = 16_384;

/**
 * Starts a Redis Cluster of `nodes` masters without replicas, all slots assigned.
 * @param announce the port by which clients are told to reach the node that listens on this port: that of something in
 *   between. Default: the same
 * @returns when every node says `cluster_state:ok` and knows every other
 */
export async function startRedisCluster(
  nodes = 3,
  announce: (port: number) => Promise<number> = async (port) => port,
): Promise<TestRedisCluster> {
  const folder = temporaryFolder('parley-redis-cluster');
  const servers: ClusterNode[] = [];
  for (let node = 0; node < nodes; node += 1) servers.push(await launchNode(folder.path, announce));
  const clients = servers.map((server) => new Redis(server.port, '127.0.0.1', { lazyConnect: false }));
  try {
    await joinNodes(servers, clients);
    await eventually(
      async () => (await Promise.all(clients.map((client) => isClusterReady(client, nodes)))).every(Boolean),
      async () => `every node to say cluster_state:ok; they say: ${(await clusterInfos(clients)).join(' | ')}`,
      60_000,
    );
  } finally {
    for (const client of clients) client.disconnect();
  }
  return {
    urls: servers.map((server) => server.url),
    nodes: servers,
    async close() {
      await Promise.all(servers.map((server) => server.end('SIGKILL')));
      folder.remove();
    },
  };
}

interface ClusterNode extends TestRedisNode {
  readonly port: number;
  end(signal?: NodeJS.Signals): Promise<void>;
}

async function launchNode(dir: string, announce: (port: number) => Promise<number>): Promise<ClusterNode> {
  const port = await freePort();
  const busPort = await freePort();
  const announced = await announce(port);
  const launch = () =>
    launchRedis(dir, port, [
      ...['--cluster-enabled', 'yes', '--cluster-config-file', `nodes-${port}.conf`, '--cluster-node-timeout', '5000'],
      ...['--cluster-port', String(busPort), '--cluster-require-full-coverage', 'yes'],
      ...['--cluster-announce-ip', '127.0.0.1', '--cluster-announce-port', String(announced)],
    ]);
  let server = await launch();
  const end = async (signal?: NodeJS.Signals) => {
    await server.stop(signal);
    forgetProcess(server.pid);
  };
  return {
    url: server.url,
    port,
    end,
    async restart() {
      await end();
      server = await launch();
    },
  };
}

async function joinNodes(servers: readonly ClusterNode[], clients: Redis[]): Promise<void> {
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
