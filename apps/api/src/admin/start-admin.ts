import { isDomainError, type RoomService } from '@parley/domain';
import { createAdminStore, createDirectory, type Database } from '@parley/persistence';
import { MAX_BODY_BYTES } from '@parley/protocol-xroom';
import {
  type Background,
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
import type { RegionParts } from '../regions/region-parts';
import { AdminModule } from './admin.module';
import { ensureBootstrapKey } from './bootstrap-key';
import type { BackendFollowUp, DomainFollowUp } from './tokens';

/** What the operator's REST shares with the api. */
export interface AdminNeeds {
  readonly database: Database;
  readonly rooms: Pick<RoomService, 'closeAllOfBackend' | 'setCapacity'>;
  readonly regions: Pick<RegionParts, 'moving' | 'book'>;
  /** Of the api. */
  readonly health: ServiceKit['health'];
}

/** Starts the operator's REST on its own address, so that a front door for everybody cannot lead to it. */
export async function startAdmin(
  config: ApiConfig,
  { database, rooms, regions, health }: AdminNeeds,
  options: Pick<ServiceOptions, 'logTo'>,
): Promise<RunningService> {
  const directory = createDirectory({ url: config.DIRECTORY_DATABASE_URL ?? config.DATABASE_URL, poolSize: 2 });
  const redis = createRedis(config.REDIS_URL, 'commands');
  const key = config.PARLEY_ADMIN_BOOTSTRAP_KEY;
  let bootstrap: Background | undefined;
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
      if (key !== undefined) {
        bootstrap = ensureBootstrapKey(key, { database, keys: store.keys, logger: kit.logger, health });
      }
      return AdminModule.with(store, followUpOn(redis, rooms, kit), regions);
    },
    configure: (app, kit) => void app.useGlobalFilters(new ErrorFilter(kit.errors)),
    release: async () => {
      await bootstrap?.close();
      redis.disconnect();
      await directory.close();
    },
  });
}

function followUpOn(
  redis: ReturnType<typeof createRedis>,
  rooms: AdminNeeds['rooms'],
  { logger }: ServiceKit,
): BackendFollowUp & DomainFollowUp {
  return {
    // Losing the call only costs time: the gateways forget by themselves what they know of a backend.
    changed: () =>
      ringBackendBell(redis).catch((error: unknown) => {
        logger.warn({ err: error }, 'the gateways were not told of a changed backend');
      }),
    // What stays open is empty as soon as the gateways have ended the sessions, and closes as any empty room.
    closeRooms: async ({ domain, ...backend }) => {
      const warn = (error: unknown) => {
        logger.warn({ err: error, backend: backend.id }, 'a room of a removed backend was not closed');
      };
      const outcomes = await rooms.closeAllOfBackend(domain, backend).catch(warn);
      for (const outcome of outcomes ?? []) if (outcome.status === 'rejected') warn(outcome.reason);
    },
    capacityChanged: async (domain, capacity) => {
      const warn = (error: unknown) => {
        logger.warn(
          { err: error, domain },
          'a room keeps its former capacity until the open rooms are next reconciled',
        );
      };
      const outcomes = await rooms.setCapacity(domain, capacity).catch(warn);
      for (const outcome of outcomes ?? []) {
        // One that was closed meanwhile needs none.
        if (outcome.status === 'rejected' && !isDomainError(outcome.reason, 'room_not_found')) warn(outcome.reason);
      }
    },
  };
}
