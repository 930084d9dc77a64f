import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MigrationList } from './engine';

const LOCK_FILE = 'migration_lock.toml';

/** Prisma reads it to know which database the migrations are for. */
const LOCK_CONTENT = 'provider = "postgresql"\n';

/** Reads a `prisma/migrations` folder in the shape the schema engine takes. Folders are ordered by name, as Prisma does. */
export async function readMigrations(migrationsDir: string): Promise<MigrationList> {
  const lock = join(migrationsDir, LOCK_FILE);
  const entries = await readdir(migrationsDir, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return {
    baseDir: migrationsDir,
    lockfile: { path: LOCK_FILE, content: await readFile(lock, 'utf8').catch(() => LOCK_CONTENT) },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(
      folders.sort().map(async (folder) => ({
        path: folder,
        migrationFile: {
          path: 'migration.sql',
          content: await readFile(join(migrationsDir, folder, 'migration.sql'), 'utf8').then(
            (value) => ({ tag: 'ok' as const, value }),
            (error: unknown) => ({ tag: 'error' as const, value: String(error) }),
          ),
        },
      })),
    ),
  };
}

/** Writes what Prisma's own tools expect beside the migrations, unless it is there. */
export async function writeLockFile(migrationsDir: string): Promise<void> {
  await writeFile(join(migrationsDir, LOCK_FILE), LOCK_CONTENT);
}
