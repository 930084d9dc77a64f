import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type TestPostgres } from '@parley/testing';
import { Client } from 'pg';
import { applyMigrations, createMigration, schemaDrift } from './index';

const REPOSITORY = join(__dirname, '..', '..', '..', '..');

const SCHEMA = `
datasource db {
  provider = "postgresql"
}
model Thing {
  id   Int    @id
  name String
}
`;

/** What an adapter that cuts scripts at semicolons would break. */
const FUNCTION_AND_COMMENT = `
-- a comment; with a semicolon
CREATE TABLE "Thing" ("id" INTEGER NOT NULL PRIMARY KEY, "name" TEXT NOT NULL);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.name := upper(NEW.name) || ';';
  RETURN NEW;
END;
$$;
CREATE TRIGGER shout BEFORE INSERT ON "Thing" FOR EACH ROW EXECUTE FUNCTION shout();
`;

describe('migrations', () => {
  let postgres: TestPostgres;
  let folder: string;
  let migrationsDir: string;
  let databaseUrl: string;

  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.close());

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-migrate-'));
    migrationsDir = join(folder, 'migrations');
    await mkdir(migrationsDir);
    databaseUrl = await postgres.createEmptyDatabase();
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function writeMigration(name: string, sql: string): Promise<void> {
    await mkdir(join(migrationsDir, name));
    await writeFile(join(migrationsDir, name, 'migration.sql'), sql);
  }

  async function query(sql: string): Promise<unknown[]> {
    const client = new Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      return (await client.query(sql)).rows as unknown[];
    } finally {
      await client.end();
    }
  }

  it('applies what is missing, once, with functions and comments intact', async () => {
    await writeMigration('20260101000000_first', FUNCTION_AND_COMMENT);
    expect(await applyMigrations({ databaseUrl, migrationsDir })).toEqual(['20260101000000_first']);
    await writeMigration('20260102000000_second', 'ALTER TABLE "Thing" ADD COLUMN "size" INTEGER;');
    expect(await applyMigrations({ databaseUrl, migrationsDir })).toEqual(['20260102000000_second']);
    expect(await applyMigrations({ databaseUrl, migrationsDir })).toEqual([]);
    await query(`INSERT INTO "Thing" (id, name) VALUES (1, 'ab')`);
    expect(await query('SELECT name, size FROM "Thing"')).toEqual([{ name: 'AB;', size: null }]);
  });

  it('lets two migrators of one database both succeed', async () => {
    await writeMigration('20260101000000_first', `${FUNCTION_AND_COMMENT} SELECT pg_sleep(0.3);`);
    const applied = await Promise.all([1, 2, 3].map(() => applyMigrations({ databaseUrl, migrationsDir })));
    expect(applied.flat()).toEqual(['20260101000000_first']);
  });

  it('says what PostgreSQL refused, and refuses to go on after a failed migration', async () => {
    await writeMigration('20260101000000_bad', 'CREATE TABLE "Thing" ("id" NOSUCHTYPE);');
    await expect(applyMigrations({ databaseUrl, migrationsDir })).rejects.toThrow(/nosuchtype/);
    await expect(applyMigrations({ databaseUrl, migrationsDir })).rejects.toThrow(/20260101000000_bad/);
  });

  it('rejects when the database cannot be reached', async () => {
    const nowhere = databaseUrl.replace(/:\d+\//, ':1/');
    await expect(applyMigrations({ databaseUrl: nowhere, migrationsDir })).rejects.toThrow();
  });

  it('writes the missing migration, after which nothing drifts, and never touches the database it is given', async () => {
    const schemaPath = join(folder, 'schema.prisma');
    await writeFile(schemaPath, SCHEMA);
    const options = { databaseUrl, migrationsDir, schemaPath };
    expect(await schemaDrift(options)).toMatch(/CREATE TABLE "Thing"/);
    const now = new Date('2026-03-04T05:06:07Z');
    const file = await createMigration({ ...options, name: 'things', now });
    expect(file).toBe(join(migrationsDir, '20260304050607_things', 'migration.sql'));
    expect(await readFile(String(file), 'utf8')).toMatch(/CREATE TABLE "Thing"/);
    expect(await schemaDrift(options)).toBe('');
    expect(await createMigration({ ...options, name: 'nothing', now })).toBeUndefined();
    expect(await query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
    expect(await query("SELECT datname FROM pg_database WHERE datname LIKE 'parley_shadow%'")).toEqual([]);
  });

  it('has migrations in the repository that make what schema.prisma describes', async () => {
    const drift = await schemaDrift({
      databaseUrl,
      migrationsDir: join(REPOSITORY, 'prisma', 'migrations'),
      schemaPath: join(REPOSITORY, 'prisma', 'schema.prisma'),
    });
    expect(drift).toBe('');
  });
});
