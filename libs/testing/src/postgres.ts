import { ENV } from './environment';
import { databaseUrl, onServer, uniqueName } from './server-databases';

/** PostgreSQL for one test file. */
export interface TestPostgres {
  /** The server, connected to its maintenance database. */
  url: string;
  /**
   * Makes a database with all migrations applied.
   * @param name lower case letters, digits and underscores; without it a unique one is made up
   * @returns its url
   */
  createDatabase(name?: string): Promise<string>;
  /** Makes a database with nothing in it: for tests of the migrations themselves. */
  createEmptyDatabase(name?: string): Promise<string>;
  /** Drops the databases that were made here, also when somebody is still connected. */
  close(): Promise<void>;
}

/**
 * The PostgreSQL of this test run: the server at `PARLEY_TEST_DATABASE_URL`, else an embedded one that all test files share.
 * @throws Error when the run was set up without it: a missing server is a failure, never a skipped test
 */
export async function startPostgres(): Promise<TestPostgres> {
  const url = process.env[ENV.serverUrl];
  const template = process.env[ENV.template];
  if (url === undefined || template === undefined) {
    throw new Error(
      'This test needs PostgreSQL, which is started for *.int.spec.ts, *.e2e.spec.ts and *.full.spec.ts only: rename the test',
    );
  }
  const made: string[] = [];
  const create = async (name: string, from: string) => {
    await onServer(url, `CREATE DATABASE "${name}" TEMPLATE "${from}"`);
    made.push(name);
    return databaseUrl(url, name);
  };
  return {
    url,
    createDatabase: (name = uniqueName('parley_test')) => create(name, template),
    createEmptyDatabase: (name = uniqueName('parley_test')) => create(name, 'template0'),
    close: () => onServer(url, ...made.splice(0).map((name) => `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)),
  };
}
