import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { brandAs, type DomainName, type RegionId } from '@parley/domain';
import { createAdminStore, createDatabase, createDirectory, seedDemo } from '@parley/persistence';
import { ticketPublicKey } from '@parley/server-kit';
import { startPostgres, temporaryFolder } from '@parley/testing';
import { FakeNextcloud } from '../fake-nextcloud';
import { GatewayProcess } from './gateway-process';
import { startRedisBehindGates, type RedisBehindGates, type RedisKind } from './redis-behind-gates';

const SECRET = 'shared with the cloud of the faults';
const REGION = { id: brandAs<RegionId>('eu-1'), number: 1 };
const DOMAIN = brandAs<DomainName>('demo.test');
const MASTER_KEYS = `k1:${Buffer.alloc(32, 7).toString('base64')}`;

/** What gateways need, and nothing else: PostgreSQL, Redis behind gates, a Nextcloud. */
export class FaultHouse {
  private readonly running: GatewayProcess[] = [];
  private readonly dead: GatewayProcess[] = [];
  private started = 0;

  private constructor(
    readonly redis: RedisBehindGates,
    readonly cloud: FakeNextcloud,
    private readonly databaseUrl: string,
    private readonly folder: ReturnType<typeof temporaryFolder>,
    private readonly closePostgres: () => Promise<void>,
  ) {}

  static async open(kind: RedisKind): Promise<FaultHouse> {
    // What runs is what was built: never something older than the sources.
    execFileSync(process.execPath, [join(__dirname, '..', '..', '..', '..', 'tools', 'build.mjs')]);
    const postgres = await startPostgres();
    const [databaseUrl, redis, cloud] = await Promise.all([
      postgres.createDatabase(),
      startRedisBehindGates(kind),
      FakeNextcloud.start(SECRET),
    ]);
    await furnish(databaseUrl, cloud.url);
    const folder = temporaryFolder('parley-faults');
    return new FaultHouse(redis, cloud, databaseUrl, folder, () => postgres.close());
  }

  /** The replicas that run. */
  get gateways(): readonly GatewayProcess[] {
    return this.running;
  }

  async startGateways(count: number): Promise<void> {
    const gateways = await Promise.all(Array.from({ length: count }, () => this.startGateway()));
    this.running.push(...gateways);
  }

  /** Where clients would connect; those that are dead come last, as nobody told them. */
  get addresses(): readonly string[] {
    return [...this.running, ...this.dead].map(({ url }) => url);
  }

  gateway(index: number): GatewayProcess {
    const gateway = this.running[index];
    if (gateway === undefined) throw new Error(`there is no gateway ${index + 1}`);
    return gateway;
  }

  /** `kill -9` for one of them. */
  async kill(index: number): Promise<void> {
    const gateway = this.gateway(index);
    this.running.splice(index, 1);
    this.dead.push(gateway);
    await gateway.kill();
  }

  /** Ends the gateways without a word and makes Redis forget them. */
  async clear(): Promise<void> {
    await Promise.all(this.running.splice(0).map((gateway) => gateway.kill()));
    this.dead.splice(0);
    for (const gate of this.redis.gates) {
      gate.unlock();
      gate.flow();
    }
    await this.redis.flush();
  }

  /** What the gateways that run logged last. */
  logs(): string {
    return this.running.map((gateway, index) => `gateway ${index + 1} logged:\n${gateway.log}`).join('\n');
  }

  async close(): Promise<void> {
    await Promise.all(this.running.splice(0).map((gateway) => gateway.kill()));
    await this.cloud.close();
    await this.redis.close();
    await this.closePostgres();
    this.folder.remove();
  }

  private startGateway(): Promise<GatewayProcess> {
    this.started += 1;
    const { privateKey } = generateKeyPairSync('ed25519');
    const env = {
      NODE_ENV: 'production',
      LOG_LEVEL: 'warn',
      PARLEY_REGION: REGION.id,
      PARLEY_REGION_NUMBER: String(REGION.number),
      PUBLIC_URL: 'http://parley.test',
      DATABASE_URL: this.databaseUrl,
      REDIS_URL: this.redis.url,
      PARLEY_MASTER_KEYS: MASTER_KEYS,
      PARLEY_INTERNAL_SECRET: 'internal-secret-of-the-tests-0123456789',
      PARLEY_TICKET_PUBLIC_KEYS: ticketPublicKey(
        privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
      ),
      REPLICA_NAME: `gw-${this.started}`,
    };
    return GatewayProcess.start(env, join(this.folder.path, `gateway-${this.started}.log`));
  }
}

/** A domain, and the Nextcloud as its backend. */
async function furnish(url: string, cloudUrl: string): Promise<void> {
  await seedDemo({
    databaseUrl: url,
    directoryUrl: url,
    region: REGION,
    masterKeys: MASTER_KEYS,
    demo: { authId: 'demo', secret: 'secret', domain: DOMAIN, webhookKey: 'key' },
    adminKey: 'admin-key-of-the-tests-0123456789',
  });
  const database = createDatabase({ url, masterKeys: MASTER_KEYS, region: REGION });
  const directory = createDirectory({ url, poolSize: 1 });
  const admin = createAdminStore(database, directory, { now: () => new Date() });
  await admin.backends.create('test', {
    id: 'cloud',
    domain: DOMAIN,
    urls: [cloudUrl],
    secret: SECRET,
    sessionLimit: null,
    maxStreamBitrate: null,
    maxScreenBitrate: null,
    foreignEntry: false,
    allowPrivate: ['127.0.0.0/8'],
  });
  await directory.close();
  await database.close();
}
