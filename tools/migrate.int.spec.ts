import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startThrowAwayPostgres } from '@parley/tools/provision';

const program = join(__dirname, 'migrate.mjs');

/** The job of a deployment: the database's URL is a mounted file. */
it('takes the database from DATABASE_URL_FILE and names what it applied', async () => {
  const postgres = await startThrowAwayPostgres();
  const file = join(postgres.folder, 'url');
  writeFileSync(file, `${postgres.url}\n`);
  const migrate = async () => {
    const env = { PATH: process.env.PATH, DATABASE_URL_FILE: file };
    return (await promisify(execFile)(process.execPath, [program], { env })).stdout.trim();
  };
  expect(await migrate()).toMatch(/^applied \d+_init/);
  expect(await migrate()).toBe('the database is up to date');
  await postgres.close();
});
