import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeLockFile } from './migration-files';
import { schemaDrift, type DriftOptions } from './schema-drift';

/**
 * Writes `<migrationsDir>/<time>_<name>/migration.sql` with what the migrations lack to reach `schema.prisma`.
 * What Prisma's schema language cannot say (partial indexes, triggers) is added to that file by hand.
 * @param options.now the time that names the folder
 * @returns the new file's path, or undefined when there is nothing to migrate
 */
export async function createMigration(
  options: DriftOptions & { name: string; now: Date },
): Promise<string | undefined> {
  if (!/^[a-z0-9_]+$/.test(options.name)) {
    throw new Error(`a migration's name is lower case letters, digits and underscores, not "${options.name}"`);
  }
  await mkdir(options.migrationsDir, { recursive: true });
  const sql = await schemaDrift(options);
  if (sql.trim() === '') return undefined;
  const stamp = options.now.toISOString().replace(/\D/g, '').slice(0, 14);
  const folder = join(options.migrationsDir, `${stamp}_${options.name}`);
  await mkdir(folder);
  const file = join(folder, 'migration.sql');
  await writeFile(file, sql);
  await writeLockFile(options.migrationsDir);
  return file;
}
