import { randomBytes } from 'node:crypto';
import { brandAs, type Clock, type RegionId, type ReplicaId } from '@parley/domain';
import { createRedisLive, type Live, parseRedisTarget } from '@parley/live';
import { createDatabase, type Database } from '@parley/persistence';
import { createValidationQueue, type ValidationQueue } from '@parley/queue';
import { createRedis, hearOutboxBell, ringOutboxBell, ringRobotsBell, type ServiceKit } from '@parley/server-kit';
import type { ApiConfig } from './config';

/** The time of day. */
export const SYSTEM_CLOCK: Clock = { now: () => new Date() };

/** Callers have gone long before, and what they asked for must not go on for ever. Counting a large domain that moves is done. */
const STATEMENT_MS = 5 * 60_000;

/** What lies behind ports: PostgreSQL, live state and the queue of this region. */
export interface Machines {
  readonly database: Database;
  readonly live: Live;
  readonly validations: ValidationQueue;
  /** Tells the dispatcher to look at what waits; losing it only costs time. */
  readonly wakeDispatcher: () => void;
  /** Tells the gateways to look which robots there are; losing it only costs time. */
  readonly ringRobots: () => void;
  /** Calls `heard` whenever events may have been committed in this region. */
  onOutboxBell(heard: () => void): void;
  close(): Promise<void>;
}

/** Opens connections; each one heals by itself, so this neither waits nor fails. */
export function openMachines(config: ApiConfig, { logger, health }: ServiceKit): Machines {
  const publisher = createRedis(config.REDIS_URL, 'commands', logger);
  const subscriber = createRedis(config.REDIS_URL, 'subscriber', logger);
  const wakeDispatcher = () => {
    ringOutboxBell(publisher).catch((error: unknown) => {
      // The relay looks by itself every few seconds.
      logger.debug({ err: error }, 'the outbox relay was not woken');
    });
  };
  const database = createDatabase({
    url: config.DATABASE_URL,
    masterKeys: config.PARLEY_MASTER_KEYS,
    region: { id: brandAs<RegionId>(config.PARLEY_REGION), number: config.PARLEY_REGION_NUMBER },
    wakeRelay: wakeDispatcher,
    statementMs: STATEMENT_MS,
  });
  const live = createRedisLive({
    replica: brandAs<ReplicaId>(`api-${randomBytes(8).toString('hex')}`),
    redis: parseRedisTarget(config.REDIS_URL),
    logger,
  });
  const validations = createValidationQueue({
    redisUrl: config.REDIS_URL,
    // The other connections tell of an outage once; this one would at each try to reconnect.
    onTrouble: (error) => logger.debug({ reason: error.message }, 'the queue of handshakes has trouble'),
  });
  health.register('postgres', async () => assertHealthy(await database.healthy()));
  health.register('redis', async () => assertHealthy(await live.healthy()));
  return {
    database,
    live,
    validations,
    wakeDispatcher,
    ringRobots: () => {
      ringRobotsBell(publisher).catch((error: unknown) => {
        logger.debug({ err: error }, 'the gateways were not told about robots; they look every second');
      });
    },
    onOutboxBell: (heard) => {
      hearOutboxBell(subscriber, heard).catch((error: unknown) => {
        logger.debug({ err: error }, 'the outbox bell is not heard; who waits for events looks every second');
      });
    },
    close: async () => {
      await Promise.allSettled([validations.close(), live.close()]);
      for (const redis of [publisher, subscriber]) redis.disconnect();
      await database.close();
    },
  };
}

function assertHealthy(healthy: boolean): void {
  if (!healthy) throw new Error('does not answer');
}
