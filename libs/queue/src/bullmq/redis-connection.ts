import { Cluster, Redis } from 'ioredis';

export type RedisClient = Redis | Cluster;

/**
 * What the connection is for. `fail-fast`: a command that cannot be sent now, or is not answered in two seconds, rejects
 * (producers, health). `patient`: commands wait until Redis is back (workers, subscribers).
 */
export type ConnectionTemper = 'fail-fast' | 'patient';

const ANSWER_WITHIN_MS = 2_000;
const RECONNECT_AT_MOST_MS = 2_000;

/**
 * Opens a connection that reconnects for as long as it is not closed.
 * @param redisUrl one `redis://` or `rediss://` URL, or several separated by commas: the nodes of a cluster
 */
export function connectRedis(redisUrl: string, temper: ConnectionTemper, onError: (error: Error) => void): RedisClient {
  const urls = redisUrl.split(',').map((url) => url.trim());
  const perCommand =
    temper === 'fail-fast'
      ? { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: ANSWER_WITHIN_MS }
      : { maxRetriesPerRequest: null };
  const retry = (times: number): number => Math.min(times * 100, RECONNECT_AT_MOST_MS);
  const client =
    urls.length === 1
      ? new Redis(urls[0] ?? '', { ...perCommand, retryStrategy: retry })
      : new Cluster(urls, {
          enableOfflineQueue: temper === 'patient',
          clusterRetryStrategy: retry,
          redisOptions: { ...perCommand, ...credentialsOf(urls[0] ?? '') },
        });
  client.on('error', onError);
  return client;
}

/** A cluster names its nodes by address, so credentials and TLS of the first URL hold for all. */
function credentialsOf(url: string): { username?: string; password?: string; tls?: object } {
  const { username, password, protocol } = new URL(url);
  return {
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  };
}
