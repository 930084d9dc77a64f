import {
  createAdminStore,
  createDirectory,
  type AdminStore,
  type BackendChanges,
  type NewBackend,
} from '@parley/persistence';
import { createRedis, ringBackendBell } from '@parley/server-kit';
import type { TestRegion } from './gateway';

/** A backend as tests add it, without what is special about it. */
const PLAIN = {
  sessionLimit: null,
  maxStreamBitrate: null,
  maxScreenBitrate: null,
  foreignEntry: false,
  allowPrivate: ['127.0.0.0/8', '::1/128'],
};

/** Adds and removes backends as the operator's REST does. */
export class Operator {
  private readonly redis;
  private readonly directory;
  private readonly backends: AdminStore['backends'];

  constructor(private readonly region: TestRegion) {
    this.redis = createRedis(region.redis.url, 'commands');
    this.directory = createDirectory({ url: region.databaseUrl, poolSize: 1 });
    this.backends = createAdminStore(region.database, this.directory, { now: () => new Date() }).backends;
  }

  async add(
    id: string,
    urls: readonly string[],
    more: Partial<NewBackend> & Pick<NewBackend, 'secret'>,
  ): Promise<void> {
    await this.backends.create('test', { ...PLAIN, domain: this.region.domain, id, urls, ...more });
    await ringBackendBell(this.redis);
  }

  async change(id: string, changes: BackendChanges): Promise<void> {
    await this.backends.update('test', id, changes);
    await ringBackendBell(this.redis);
  }

  async remove(id: string): Promise<void> {
    await this.backends.delete('test', id);
    await ringBackendBell(this.redis);
  }

  async close(): Promise<void> {
    this.redis.disconnect();
    await this.directory.close();
  }
}
