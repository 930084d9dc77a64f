import { Client } from 'pg';
import { NO_FILTERS, withSchemaEngine } from './engine';
import { readMigrations } from './migration-files';

/** Any fixed number; the first eight bytes of the word it protects. Two migrators of one database wait for each other. */
const ADVISORY_LOCK = '0x7061726c6579';

/**
 * Applies the migrations the database does not have yet, in order, and records them in `_prisma_migrations` as
 * `prisma migrate deploy` does. Safe when several processes do it at once: one works, the others wait and find nothing to do.
 * @returns the names of the migrations that were applied now
 * @throws Error when a migration fails, when one that was applied before failed, or when the database cannot be reached
 */
export async function applyMigrations(options: { databaseUrl: string; migrationsDir: string }): Promise<string[]> {
  const migrationsList = await readMigrations(options.migrationsDir);
  return withMigrationLock(options.databaseUrl, () =>
    withSchemaEngine(options.databaseUrl, undefined, async (engine) => {
      const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: NO_FILTERS });
      return appliedMigrationNames;
    }),
  );
}

async function withMigrationLock<Result>(databaseUrl: string, work: () => Promise<Result>): Promise<Result> {
  const holder = new Client({ connectionString: databaseUrl });
  // The lock belongs to this connection and ends with it, also when the process is killed.
  holder.on('error', () => undefined);
  await holder.connect();
  try {
    await holder.query('SELECT pg_advisory_lock($1)', [BigInt(ADVISORY_LOCK).toString()]);
    return await work();
  } finally {
    await holder.end();
  }
}
