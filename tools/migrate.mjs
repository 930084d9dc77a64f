/**
 * Migrations from the command line, also the one-shot of a deployment.
 *
 *   node tools/migrate.mjs                 applies what DATABASE_URL lacks
 *   node tools/migrate.mjs --drift         exits 1 and prints SQL when the migrations do not make schema.prisma
 *   node tools/migrate.mjs --create <name> writes prisma/migrations/<time>_<name>/migration.sql with that SQL
 *
 * DATABASE_URL may also stand in a file named by DATABASE_URL_FILE. The last two need a server on which a database may be
 * made; without DATABASE_URL they start a throw-away one.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { repositoryRoot } from './repository.mjs';

const migrationsDir = join(repositoryRoot, 'prisma', 'migrations');
const schemaPath = join(repositoryRoot, 'prisma', 'schema.prisma');

/** The migration code of `@parley/persistence`, compiled first where there are sources (an image holds the result only). */
async function loadMigrate() {
  if (existsSync(join(repositoryRoot, 'libs', 'persistence', 'src'))) await (await import('./build.mjs')).build();
  // Compiled to CommonJS in a form whose names `import` does not see.
  return createRequire(import.meta.url)('@parley/persistence/migrate');
}

/** Applies the repository's migrations; answers the names of those applied now. */
export async function migrate(databaseUrl) {
  const { applyMigrations } = await loadMigrate();
  return applyMigrations({ databaseUrl, migrationsDir });
}

/** The SQL the migrations lack, empty when they make schema.prisma. */
export async function drift(databaseUrl) {
  const { schemaDrift } = await loadMigrate();
  return schemaDrift({ databaseUrl, migrationsDir, schemaPath });
}

/** Read as the services read it. Only after {@link loadMigrate}, which compiles what this needs. */
function givenDatabaseUrl() {
  const { secretFromEnv } = createRequire(import.meta.url)('@parley/config');
  return secretFromEnv('DATABASE_URL', process.env);
}

async function withServer(work) {
  await loadMigrate();
  const given = givenDatabaseUrl();
  if (given !== undefined) return work(given);
  const { startThrowAwayPostgres } = await import('./provision/throw-away-postgres.mjs');
  const server = await startThrowAwayPostgres();
  try {
    return await work(server.url);
  } finally {
    await server.close();
  }
}

async function applyFromEnvironment() {
  await loadMigrate();
  const databaseUrl = givenDatabaseUrl();
  if (databaseUrl === undefined) {
    throw new Error('DATABASE_URL (or DATABASE_URL_FILE) says which database to migrate, and it is not set');
  }
  const applied = await migrate(databaseUrl);
  console.log(applied.length === 0 ? 'the database is up to date' : `applied ${applied.join(', ')}`);
}

async function checkDrift() {
  const sql = await withServer(drift);
  if (sql === '') return console.log('the migrations make schema.prisma');
  console.error(`prisma/schema.prisma says more than the migrations do. Missing:\n${sql}`);
  process.exitCode = 1;
}

async function create(name) {
  const { createMigration } = await loadMigrate();
  const file = await withServer((databaseUrl) =>
    createMigration({ databaseUrl, migrationsDir, schemaPath, name, now: new Date() }),
  );
  console.log(file ? `wrote ${relative(process.cwd(), file)}` : 'nothing to migrate');
}

async function main() {
  const { values } = parseArgs({ options: { drift: { type: 'boolean' }, create: { type: 'string' } } });
  if (values.create !== undefined) return create(values.create);
  return values.drift ? checkDrift() : applyFromEnvironment();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
