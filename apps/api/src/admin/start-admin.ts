import {
  type AdminStore,
  createAdminStore,
  createDirectory,
  type Database,
  seedOperatorKey,
} from '@parley/persistence';
import { MAX_BODY_BYTES } from '@parley/protocol-xroom';
import {
  createRedis,
  ringBackendBell,
  type RunningService,
  type ServiceKit,
  type ServiceOptions,
  startService,
} from '@parley/server-kit';
import type { ApiConfig } from '../config';
import { ErrorFilter } from '../http/error.filter';
import { SYSTEM_CLOCK } from '../machines';
import { AdminModule } from './admin.module';

/** Starts the operator's REST on its own address, so that a front door for everybody cannot lead to it. */
export async function startAdmin(
  config: ApiConfig,
  database: Database,
  options: Pick<ServiceOptions, 'logTo'>,
): Promise<RunningService> {
  const directory = createDirectory({ url: config.DIRECTORY_DATABASE_URL ?? config.DATABASE_URL, poolSize: 2 });
  const redis = createRedis(config.REDIS_URL, 'commands');
  const bootstrapKey = config.PARLEY_ADMIN_BOOTSTRAP_KEY;
  return startService({
    ...options,
    name: 'api-admin',
    config: { ...config, HOST: config.ADMIN_HOST, PORT: config.ADMIN_PORT, METRICS_PORT: undefined },
    ownsProcess: false,
    body: 'raw',
    limits: { bodyBytes: MAX_BODY_BYTES },
    build: async (kit) => {
      kit.health.register('directory', async () => {
        if (!(await directory.healthy())) throw new Error('does not answer');
      });
      const store = createAdminStore(database, directory, SYSTEM_CLOCK);
      if (bootstrapKey !== undefined) await ensureBootstrapKey(bootstrapKey, database, store, kit);
      // Losing the call only costs time: the gateways forget by themselves what they know of a backend.
      const changed = () =>
        ringBackendBell(redis).catch((error: unknown) => {
          kit.logger.warn({ err: error }, 'the gateways were not told of a changed backend');
        });
      return AdminModule.with(store, changed);
    },
    configure: (app, kit) => void app.useGlobalFilters(new ErrorFilter(kit.errors)),
    release: async () => {
      redis.disconnect();
      await directory.close();
    },
  });
}

async function ensureBootstrapKey(key: string, database: Database, store: AdminStore, kit: ServiceKit): Promise<void> {
  await seedOperatorKey(database, key);
  if ((await store.keys.verify(key)) !== null) return;
  kit.logger.warn('PARLEY_ADMIN_BOOTSTRAP_KEY is not valid: another key named bootstrap was stored, or it was revoked');
}
