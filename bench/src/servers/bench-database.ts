import { join } from 'node:path';
import { brandAs, type DomainName, type RegionId } from '@parley/domain';
import { seedDemo } from '@parley/persistence';
import { applyMigrations } from '@parley/persistence/migrate';
import { startThrowAwayPostgres, type Undertaker } from '@parley/tools/provision';

const root = join(__dirname, '..', '..', '..');
export const MASTER_KEYS = `k1:${Buffer.alloc(32, 7).toString('base64')}`;
export const REGION = { id: brandAs<RegionId>('eu-1'), number: 1 };
export const DEMO = { authId: 'demo', secret: 'secret', slug: 'demo', webhookKey: 'key' };
export const DOMAIN = brandAs<DomainName>('demo.test');

/** A PostgreSQL with Parley's tables, the demo account and its domain. */
export interface BenchDatabase {
  readonly url: string;
  readonly pid: number;
  /** Ends what it watches when this process dies. */
  readonly undertaker: Undertaker;
  close(): Promise<void>;
}

/** @param options durable: commits wait for the disk */
export async function openBenchDatabase(options: { durable?: boolean } = {}): Promise<BenchDatabase> {
  const postgres = await startThrowAwayPostgres(options);
  const { url } = postgres;
  try {
    await applyMigrations({ databaseUrl: url, migrationsDir: join(root, 'prisma', 'migrations') });
    await seedDemo({
      databaseUrl: url,
      directoryUrl: url,
      region: REGION,
      masterKeys: MASTER_KEYS,
      demo: { ...DEMO, domain: DOMAIN },
      adminKey: 'admin-key-of-the-bench-0123456789',
    });
  } catch (error) {
    await postgres.close();
    throw error;
  }
  return postgres;
}
