import { readFile } from 'node:fs/promises';
import { NO_FILTERS, withSchemaEngine } from './engine';
import { readMigrations } from './migration-files';

export interface DriftOptions {
  /** A server on which the role may create a database: the migrations are replayed in a shadow database of their own. */
  databaseUrl: string;
  migrationsDir: string;
  /** Path of `schema.prisma`. */
  schemaPath: string;
}

/**
 * What the migrations are missing to make the database that `schema.prisma` describes, as SQL.
 * @returns an empty string when they agree
 */
export async function schemaDrift(options: DriftOptions): Promise<string> {
  const migrations = await readMigrations(options.migrationsDir);
  const schema = { path: options.schemaPath, content: await readFile(options.schemaPath, 'utf8') };
  return withSchemaEngine(options.databaseUrl, schema, async (engine) => {
    const { exitCode, stdout } = await engine.diff({
      from: { tag: 'migrations', ...migrations },
      to: { tag: 'schemaDatamodel', files: [schema] },
      script: true,
      exitCode: true,
      filters: NO_FILTERS,
    });
    return exitCode === 0 ? '' : (stdout ?? '');
  });
}
