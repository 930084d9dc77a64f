import type { Clock } from '@parley/domain';
import type { Live } from '@parley/live';
import { createBackendStore, type BackendStore, type Database } from '@parley/persistence';
import { createRedis, hearBackendBell, type Logger, type Metrics } from '@parley/server-kit';
import { BackendHttp } from './backend-http';
import { BackendRegistry } from './backend-registry';
import { Capabilities } from './capabilities';
import { LeaveNotices } from './leave-notices';
import { NextcloudClient } from './nextcloud-client';
import { RoomPings } from './room-pings';

/** What tests shorten, in milliseconds. */
export interface BackendTimes {
  readonly pingMs?: number;
  readonly leaveRetryMs?: readonly number[];
  /** For one request. */
  readonly timeoutMs?: number;
}

export interface BackendsOptions {
  readonly version: string;
  readonly redisUrl: string;
  readonly database: Database;
  readonly live: Pick<Live, 'sessions' | 'rooms' | 'guards' | 'events'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly times?: BackendTimes;
}

/** All that a replica has to do with foreign backends. */
export interface Backends {
  readonly store: BackendStore;
  readonly capabilities: Capabilities;
  readonly nextcloud: NextcloudClient;
  readonly notices: LeaveNotices;
  /** Calls when backends may have changed, after they were forgotten. */
  onChanged(listener: () => void): void;
  /** Lets go of everything; notices under way are left to other replicas. */
  close(): Promise<void>;
}

/** Puts it together; starts to listen for changes and to ping. */
export function openBackends(options: BackendsOptions): Backends {
  const { database, live, clock, logger, metrics, times = {}, version } = options;
  const store = new BackendRegistry(createBackendStore(database));
  const http = new BackendHttp(metrics, times.timeoutMs);
  const capabilities = new Capabilities({ http, clock, logger, version });
  const nextcloud = new NextcloudClient({ version, logger, http, capabilities });
  const notices = new LeaveNotices({
    backends: store,
    nextcloud,
    sessions: live.sessions,
    rooms: live.rooms,
    logger,
    retryAfterMs: times.leaveRetryMs,
  });
  live.events.onLeft((departure) => notices.left(departure));
  const pings = new RoomPings({
    backends: store,
    rooms: database.stores.rooms,
    live: live.rooms,
    guards: live.guards,
    nextcloud,
    logger,
    metrics,
    intervalMs: times.pingMs,
  });
  const redis = createRedis(options.redisUrl, 'subscriber', logger);
  const listeners: (() => void)[] = [];
  const changed = () => {
    store.forget();
    for (const listener of listeners) listener();
  };
  hearBackendBell(redis, changed).catch(() => {
    // Closed before it was subscribed; while it is open it subscribes by itself.
  });
  return {
    store,
    capabilities,
    nextcloud,
    notices,
    onChanged: (listener) => void listeners.push(listener),
    close: async () => {
      redis.disconnect();
      await pings.close();
      await notices.close();
      await http.close();
    },
  };
}
