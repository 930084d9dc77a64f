import { startPostgres, type TestPostgres } from '@parley/testing';
import { createDatabase, type Database, type DatabaseOptions } from '@parley/persistence';
import type { Account, Domain } from '@parley/domain';
import { EU, MASTER_KEYS } from './fixtures';

/** Writes an account and a domain as the operator's part would. */
export async function putTenant(db: Database, account: Account, domain: Domain): Promise<void> {
  const { id, slug, authId, legacyKeys } = account;
  const secretSealed = db.sealer.seal({ table: 'Account', row: id, column: 'secret' }, account.secret);
  await db.prisma.account.create({ data: { id, slug, authId, legacyKeys, secretSealed } });
  await db.prisma.domain.create({
    data: {
      name: domain.name,
      accountId: id,
      region: domain.region,
      webhookKeySealed: db.sealer.seal({ table: 'Domain', row: domain.name, column: 'webhookKey' }, domain.webhookKey),
      capacity: domain.capacity,
    },
  });
}

/** The PostgreSQL of a test file and everything opened on it, closed together. */
export class TestDatabases {
  private readonly opened: Database[] = [];
  private constructor(readonly postgres: TestPostgres) {}

  static async start(): Promise<TestDatabases> {
    return new TestDatabases(await startPostgres());
  }

  /** A migrated database of its own, or a second handle on `url`. */
  async open(options: Partial<DatabaseOptions> = {}): Promise<{ db: Database; url: string }> {
    const url = options.url ?? (await this.postgres.createDatabase());
    const db = createDatabase({ masterKeys: MASTER_KEYS, region: EU, ...options, url });
    this.opened.push(db);
    return { db, url };
  }

  async closeDatabases(): Promise<void> {
    await Promise.all(this.opened.splice(0).map((db) => db.close()));
  }

  async close(): Promise<void> {
    await this.closeDatabases();
    await this.postgres.close();
  }
}
