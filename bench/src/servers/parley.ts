import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createAdminStore, createDatabase, createDirectory } from '@parley/persistence';
import { ticketPublicKey } from '@parley/server-kit';
import { freePort, startRedisServer } from '@parley/tools/provision';
import { DOMAIN, MASTER_KEYS, openBenchDatabase, REGION, type BenchDatabase } from './bench-database';
import { profiling, ServerProcess } from './server-process';
import type { RunningTarget, Target } from './target';

const root = join(__dirname, '..', '..', '..');
const SECRET = 'shared with the cloud of the bench';

interface Replica {
  readonly server: ServerProcess;
  readonly url: string;
}

/** A PostgreSQL for all Parleys of a run. */
export class ParleyBench {
  private backends = 0;

  private constructor(
    private readonly postgres: BenchDatabase,
    private readonly folder: string,
  ) {}

  /** @param folder for logs */
  static async open(folder: string): Promise<ParleyBench> {
    mkdirSync(folder, { recursive: true });
    return new ParleyBench(await openBenchDatabase(), folder);
  }

  /** @param replicas how many work together */
  target(replicas: 1 | 2, version: string): Target {
    const title = replicas === 1 ? 'Parley, one replica + Redis' : 'Parley, two replicas + Redis';
    return { id: `parley-${replicas}`, title, version, start: (backendUrl) => this.start(replicas, backendUrl) };
  }

  close(): Promise<void> {
    return this.postgres.close();
  }

  private async start(replicas: number, backendUrl: string): Promise<RunningTarget> {
    await this.addBackend(backendUrl);
    const redis = await startRedisServer({ dir: this.folder, logFile: join(this.folder, 'redis.log') });
    const servers: Replica[] = [];
    for (let n = 1; n <= replicas; n += 1) servers.push(await this.replica(n, redis.url));
    const gateways = servers.map(({ server }, index) => [`gateway ${index + 1}`, server.pid] as const);
    return {
      urls: servers.map(({ url }) => url),
      processes: { ...Object.fromEntries(gateways), redis: redis.pid, postgres: this.postgres.pid },
      stop: async () => {
        await Promise.all(servers.map(({ server }) => server.stop()));
        await redis.stop();
      },
    };
  }

  private async replica(n: number, redisUrl: string): Promise<Replica> {
    const port = await freePort();
    const { privateKey } = generateKeyPairSync('ed25519');
    const key = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
    const server = await ServerProcess.start({
      command: process.execPath,
      args: [...profiling(this.folder), join(root, 'apps', 'signaling', 'dist', 'main.js')],
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        PARLEY_REGION: REGION.id,
        PARLEY_REGION_NUMBER: String(REGION.number),
        PUBLIC_URL: 'http://parley.test',
        DATABASE_URL: this.postgres.url,
        REDIS_URL: redisUrl,
        PARLEY_MASTER_KEYS: MASTER_KEYS,
        PARLEY_INTERNAL_SECRET: 'internal-secret-of-the-bench-0123456789',
        PARLEY_TICKET_PUBLIC_KEYS: ticketPublicKey(key),
        HOST: '127.0.0.1',
        PORT: String(port),
        REPLICA_NAME: `gw-${n}`,
      },
      logFile: join(this.folder, `gateway-${n}.log`),
      url: `http://127.0.0.1:${port}/api/v1/welcome`,
    });
    return { server, url: `ws://127.0.0.1:${port}/spreed` };
  }

  private async addBackend(url: string): Promise<void> {
    const database = createDatabase({ url: this.postgres.url, masterKeys: MASTER_KEYS, region: REGION });
    const directory = createDirectory({ url: this.postgres.url, poolSize: 1 });
    const admin = createAdminStore(database, directory, { now: () => new Date() });
    this.backends += 1;
    await admin.backends.create('bench', {
      id: `cloud-${this.backends}`,
      domain: DOMAIN,
      urls: [url],
      // Each needs one of its own.
      secret: `${SECRET} ${this.backends}`,
      sessionLimit: null,
      maxStreamBitrate: null,
      maxScreenBitrate: null,
      foreignEntry: false,
      allowPrivate: ['127.0.0.0/8', '::1/128'],
    });
    await directory.close();
    await database.close();
  }
}
