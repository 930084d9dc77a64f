import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { brandAs, type DomainName } from '@parley/domain';
import { createAdminStore, createDatabase, createDirectory, type AdminStore, type Database } from '@parley/persistence';
import { createRedis, ringOutboxBell } from '@parley/server-kit';
import { freePort, startRedisServer, type RedisServer } from '@parley/tools/provision';
import { LOGS, ROOT } from '../report/surroundings';
import { DEMO, MASTER_KEYS, openBenchDatabase, REGION, type BenchDatabase } from '../servers/bench-database';
import { profiling, ServerProcess } from '../servers/server-process';
import { until } from './clock';
import { Receivers } from './receivers/receivers';

/** A webhook with a receiver and a domain of its own. */
export interface EndpointOfBench {
  /** As the receivers number it. */
  readonly number: number;
  readonly domain: DomainName;
}

const VALIDATED_WITHIN_MS = 60_000;
/** Enough that the pace of commits is kept when the machine has other things to do. */
const POOL_SIZE = 30;

/** PostgreSQL, Redis, receivers, the api's side of the database, and at most one dispatcher. */
export class WebhookWorld {
  private dispatcher: ServerProcess | undefined;

  private constructor(
    private readonly postgres: BenchDatabase,
    private readonly redis: RedisServer,
    readonly receivers: Receivers,
    readonly database: Database,
    private readonly admin: AdminStore,
    private readonly closers: readonly (() => unknown)[],
  ) {}

  static async open(): Promise<WebhookWorld> {
    mkdirSync(LOGS, { recursive: true });
    const postgres = await openBenchDatabase({ durable: true });
    const { url } = postgres;
    const redis = await startRedisServer({ dir: LOGS, logFile: join(LOGS, 'redis.log') });
    const receivers = await Receivers.start();
    const bell = createRedis(redis.url, 'commands');
    const wakeRelay = (): void => void ringOutboxBell(bell).catch(() => undefined);
    const database = createDatabase({ url, masterKeys: MASTER_KEYS, region: REGION, poolSize: POOL_SIZE, wakeRelay });
    const directory = createDirectory({ url, poolSize: 1 });
    const admin = createAdminStore(database, directory, { now: () => new Date() });
    return new WebhookWorld(postgres, redis, receivers, database, admin, [
      () => directory.close(),
      () => database.close(),
      () => bell.disconnect(),
      () => receivers.close(),
      () => redis.stop(),
      () => postgres.close(),
    ]);
  }

  /** Makes webhooks with receivers that answer after so long. They prove themselves once a dispatcher runs. */
  async endpoints(count: number, answerAfterMs: number): Promise<readonly EndpointOfBench[]> {
    const { webhookKey, slug } = DEMO;
    const first = await this.database.prisma.webhook.count();
    const urls = await this.receivers.open(count, { answerAfterMs, webhookKey });
    const made: EndpointOfBench[] = [];
    for (const [index, url] of urls.entries()) {
      const number = first + index;
      const name = `d${number}.bench.test`;
      await this.admin.domains.create('bench', { name, account: slug, webhookKey, insecureWebhooks: true });
      const domain = brandAs<DomainName>(name);
      const target = { type: 'url', url } as const;
      await this.database.stores.webhooks.insert({ domain, roomName: null, target }, new Date());
      made.push({ number, domain });
    }
    return made;
  }

  /** Waits until all webhooks have proved themselves. */
  async validated(): Promise<void> {
    const missing = (): Promise<number> => this.database.prisma.webhook.count({ where: { validated: false } });
    if (await until(async () => (await missing()) === 0, VALIDATED_WITHIN_MS)) return;
    throw new Error(`${await missing()} webhooks did not pass the handshake`);
  }

  /** Starts the dispatcher as in production. */
  async start(): Promise<void> {
    const port = await freePort();
    this.dispatcher = await ServerProcess.start({
      command: process.execPath,
      args: [...profiling(LOGS), join(ROOT, 'apps', 'webhooks', 'dist', 'main.js')],
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        PARLEY_REGION: REGION.id,
        PARLEY_REGION_NUMBER: String(REGION.number),
        PUBLIC_URL: 'http://parley.test',
        DATABASE_URL: this.postgres.url,
        REDIS_URL: this.redis.url,
        PARLEY_MASTER_KEYS: MASTER_KEYS,
        PARLEY_INTERNAL_SECRET: 'internal-secret-of-the-bench-0123456789',
        HOST: '127.0.0.1',
        PORT: String(port),
      },
      logFile: join(LOGS, 'dispatcher.log'),
      url: `http://127.0.0.1:${port}/health/live`,
    });
    this.postgres.undertaker.watch(this.dispatcher.pid);
  }

  async stop(): Promise<void> {
    if (this.dispatcher === undefined) return;
    await this.dispatcher.stop();
    this.postgres.undertaker.forget(this.dispatcher.pid);
    this.dispatcher = undefined;
  }

  /** What works for a delivery; the receivers do not count. */
  get processes(): Readonly<Record<string, number>> {
    const { pid } = this.dispatcher ?? {};
    return { ...(pid !== undefined && { dispatcher: pid }), postgres: this.postgres.pid, redis: this.redis.pid };
  }

  /** How many deliveries of these are neither done nor given up. */
  waiting(endpoints: readonly EndpointOfBench[]): Promise<number> {
    return this.database.prisma.webhookDelivery.count({
      where: {
        state: { in: ['pending', 'sending'] },
        webhook: { domainName: { in: endpoints.map(({ domain }) => domain) } },
      },
    });
  }

  /** Transactions that PostgreSQL has committed. */
  async transactions(): Promise<number> {
    const [row] = await this.database.prisma.$queryRaw<{ count: number }[]>`
      SELECT xact_commit::float8 AS count FROM pg_stat_database WHERE datname = current_database()`;
    return row?.count ?? NaN;
  }

  async close(): Promise<void> {
    await this.stop();
    for (const close of this.closers) await close();
  }
}
