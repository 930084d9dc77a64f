import { Cluster, Redis, type ClusterNode, type RedisOptions } from 'ioredis';
import type { Logger } from './logging';

/**
 * What a connection is for.
 * - `commands`: fails fast, so that a request is refused and not hung while Redis is away
 * - `subscriber`: waits and subscribes again by itself
 * - `queue`: as BullMQ demands it, never gives up on a command
 */
export type RedisRole = 'commands' | 'subscriber' | 'queue';

export interface RedisTarget {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly username?: string;
  readonly password?: string;
  readonly tls: boolean;
  /** Number of the database; always 0 in a cluster. */
  readonly db: number;
  readonly cluster: boolean;
}

/** How long a command may take before its caller hears an error, in milliseconds. */
const COMMAND_TIMEOUT_MS = 2_000;

/**
 * Reads `REDIS_URL`: one URL, or the nodes of a cluster separated by commas. Credentials come from the first one.
 * @throws on anything else; the message holds no part of the URL
 */
export function parseRedisUrl(text: string): RedisTarget {
  const urls = text.split(',').map((part) => {
    const trimmed = part.trim();
    if (!URL.canParse(trimmed)) throw new Error('REDIS_URL is not a URL');
    return new URL(trimmed);
  });
  const [first] = urls;
  if (first === undefined || urls.some(({ protocol }) => protocol !== 'redis:' && protocol !== 'rediss:')) {
    throw new Error('REDIS_URL does not start with redis:// or rediss://');
  }
  const db = Number(first.pathname.slice(1) || 0);
  if (!Number.isInteger(db) || db < 0) throw new Error('REDIS_URL names a database that is no number');
  if (urls.length > 1 && db !== 0) throw new Error('a Redis cluster has no numbered databases');
  return {
    nodes: urls.map((url) => ({ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 6379) })),
    ...(first.username === '' ? {} : { username: decodeURIComponent(first.username) }),
    ...(first.password === '' ? {} : { password: decodeURIComponent(first.password) }),
    tls: first.protocol === 'rediss:',
    db,
    cluster: urls.length > 1,
  };
}

const retryDelay = (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000);

function optionsFor(target: RedisTarget, role: RedisRole): RedisOptions {
  return {
    username: target.username,
    password: target.password,
    tls: target.tls ? {} : undefined,
    connectTimeout: 2_000,
    retryStrategy: retryDelay,
    maxRetriesPerRequest: role === 'commands' ? 1 : null,
    // Counts the time in the offline queue too, so it is what makes commands fail fast.
    commandTimeout: role === 'commands' ? COMMAND_TIMEOUT_MS : undefined,
    autoResubscribe: true,
  };
}

/**
 * Opens a connection, single or cluster. It reconnects for ever; trouble is logged once per outage, never thrown. The
 * caller ends it with `quit()` or `disconnect()`.
 */
export function createRedis(url: string, role: RedisRole, logger?: Pick<Logger, 'warn' | 'info'>): Redis | Cluster {
  const target = parseRedisUrl(url);
  const client = target.cluster ? openCluster(target, role) : openSingle(target, role);
  if (role === 'subscriber') watchSubscriptions(client);
  let troubled = false;
  client.on('error', (error: Error) => {
    if (!troubled) logger?.warn({ role, reason: error.message }, 'redis is out of reach');
    troubled = true;
  });
  client.on('ready', () => {
    if (troubled) logger?.info({ role }, 'redis answers again');
    troubled = false;
  });
  return client;
}

function openSingle(target: RedisTarget, role: RedisRole): Redis {
  const [node] = target.nodes;
  const client = new Redis({ ...optionsFor(target, role), ...node, db: target.db });
  return client;
}

/**
 * After a break ioredis subscribes anew, and the Socket.IO adapter unsubscribes when it closes; neither looks at the
 * promise. One that is closed in the midst of that would leave an unhandled rejection, which ends the process. Whoever
 * awaits a subscription still hears of its failure.
 */
function watchSubscriptions(client: Redis | Cluster): void {
  const verbs = ['subscribe', 'psubscribe', 'ssubscribe', 'unsubscribe', 'punsubscribe', 'sunsubscribe'] as const;
  for (const command of verbs) {
    const subscribe: unknown = Reflect.get(client, command);
    if (typeof subscribe !== 'function') continue;
    Reflect.set(client, command, (...args: readonly unknown[]): unknown => {
      const subscribed: unknown = Reflect.apply(subscribe, client, args);
      if (subscribed instanceof Promise) subscribed.catch(() => undefined);
      return subscribed;
    });
  }
}

function openCluster(target: RedisTarget, role: RedisRole): Cluster {
  const nodes: ClusterNode[] = target.nodes.map((node) => ({ ...node }));
  const cluster = new Cluster(nodes, {
    clusterRetryStrategy: retryDelay,
    redisOptions: optionsFor(target, role),
    shardedSubscribers: role === 'subscriber',
    // With TLS the certificate is checked against the name that was dialled, so addresses are not looked up here.
    ...(target.tls ? { dnsLookup: (address, callback) => callback(null, address) } : {}),
  });
  // A cluster client's offline queue knows no command timeout; it may wait only for the first connection.
  if (role === 'commands') cluster.once('ready', () => (cluster.options.enableOfflineQueue = false));
  return cluster;
}
