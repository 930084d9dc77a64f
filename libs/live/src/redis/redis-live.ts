import type { ReplicaId } from '@parley/domain';
import type { LiveLogger } from '../engine/context';
import { createReplica } from '../engine/replica';
import { storeTimes } from '../limits';
import { LIVE_TIMES, type Live, type LiveTimes } from '../port';
import type { LiveStore } from '../store';
import { RedisBus } from './bus';
import type { RedisTarget } from './config';
import { RedisConnection } from './connection';
import { redisDepartures } from './departure-store';
import { Keys } from './keys';
import { redisAsks, redisGuards, redisRegistry } from './registry-store';
import { redisRooms } from './room-store';
import { redisSessions } from './session-store';

const SILENT: LiveLogger = { warn: () => undefined };

/**
 * The live layer on one Redis node or on a cluster. Opens its own connections; calls wait until they stand and are
 * refused with `unavailable` when they do not.
 */
export function createRedisLive(options: {
  readonly replica: ReplicaId;
  readonly redis: RedisTarget;
  readonly times?: Partial<LiveTimes>;
  /** Begins every key and channel; default `parley:`. */
  readonly prefix?: string;
  readonly logger?: LiveLogger;
}): Live {
  const times = { ...LIVE_TIMES, ...options.times };
  const logger = options.logger ?? SILENT;
  return createReplica(options.replica, redisStore(options.redis, times, options.prefix, logger), times, logger);
}

/** One replica's connections to Redis. */
export function redisStore(
  target: RedisTarget,
  times: LiveTimes,
  prefix = 'parley:',
  logger: LiveLogger = SILENT,
): LiveStore {
  const spans = storeTimes(times);
  const keys = new Keys(prefix);
  const connection = new RedisConnection(target, logger);
  const bus = new RedisBus(target, connection, keys, logger);
  const registry = redisRegistry(connection, keys, spans);
  return {
    sessions: redisSessions(connection, keys, spans),
    rooms: redisRooms(connection, keys, spans),
    registry,
    departures: redisDepartures(connection, keys, spans),
    guards: redisGuards(connection, keys),
    asks: redisAsks(connection, keys),
    bus,
    healthy: async () => {
      const [beats] = keys.replicas;
      return connection
        .guard(() => connection.client.zcard(beats))
        .then(
          () => true,
          () => false,
        );
    },
    close: async () => {
      bus.close();
      connection.close();
    },
  };
}
