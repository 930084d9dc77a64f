import { brandAs, type RegionId } from '@parley/domain';
import { createDatabase, type Database } from '@parley/persistence';
import { connectRedis, type RedisClient } from '@parley/queue';
import { startService, type RunningService, type ServiceKit } from '@parley/server-kit';
import type { WebhooksConfig } from './config';
import { Dispatcher } from './dispatcher';
import { DispatcherModule, type DispatcherTuning } from './dispatcher.module';
import { troubleLog } from './trouble-log';

export interface StartOptions {
  /** False where several services share a process, as in tests. */
  readonly ownsProcess?: boolean;
  readonly tuning?: DispatcherTuning;
}

/** Connections of the database pool beside those that running deliveries need for a moment each. */
const POOL_SIZE = 20;

/** Starts the dispatcher with its health, readiness and metrics. */
export async function startWebhooks(config: WebhooksConfig, options: StartOptions = {}): Promise<RunningService> {
  const database = createDatabase({
    url: config.DATABASE_URL,
    masterKeys: config.PARLEY_MASTER_KEYS,
    region: { id: brandAs<RegionId>(config.PARLEY_REGION), number: config.PARLEY_REGION_NUMBER },
    poolSize: POOL_SIZE,
  });
  let producer: RedisClient | undefined;
  let dispatcher: Dispatcher | undefined;
  const service = await startService({
    name: 'webhooks',
    config,
    build: (kit) => {
      producer = connectRedis(config.REDIS_URL, 'fail-fast', troubleLog(kit.logger));
      registerHealth(kit, database, producer);
      return DispatcherModule.forRoot(config, { database, producer }, options.tuning);
    },
    configure: (app) => {
      dispatcher = app.get(Dispatcher);
    },
    drain: async () => dispatcher?.close(),
    release: async () => {
      producer?.disconnect();
      await database.close();
    },
    ownsProcess: options.ownsProcess ?? true,
  });
  dispatcher?.start();
  return service;
}

/** A full Redis still answers pings, so readiness writes to it. */
function registerHealth({ health }: ServiceKit, database: Database, producer: RedisClient): void {
  health.register('postgres', async () => {
    if (!(await database.healthy())) throw new Error('PostgreSQL does not answer');
  });
  health.register('redis', () => producer.set('{parley}:written', '1', 'PX', 60_000));
}
