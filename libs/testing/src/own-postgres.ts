import { randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgresServer } from '@parley/tools/provision';
import { makeTemplate } from './migrated-template';
import { databaseUrl, onServer, uniqueName } from './server-databases';
import { forgetProcess, registerProcess, temporaryFolder } from './test-processes';

/** A PostgreSQL for one test file alone, which may end and come back. */
export interface OwnPostgres {
  /** Makes a database with all migrations applied; answers its url. */
  createDatabase(): Promise<string>;
  /** Ends the server; everybody's connections break. What was committed is there again after `start`. */
  stop(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a PostgreSQL with its data in a temporary folder. Takes some seconds: most tests share one, see `startPostgres`. */
export async function startOwnPostgres(): Promise<OwnPostgres> {
  const folder = temporaryFolder('parley-own-postgres');
  // The account that runs PostgreSQL for root must be able to walk through it.
  chmodSync(folder.path, 0o711);
  const options = {
    folder: join(folder.path, 'postgres'),
    logFile: join(folder.path, 'postgres.log'),
    password: randomBytes(12).toString('hex'),
  };
  const launch = async (port?: number) => {
    const started = await startPostgresServer({ ...options, ...(port !== undefined && { port }) });
    registerProcess(started.pid, 'SIGINT');
    return started;
  };
  let server = await launch();
  const stop = async (): Promise<void> => {
    await server.stop();
    forgetProcess(server.pid);
  };
  const template = await makeTemplate(server.url);
  return {
    async createDatabase() {
      const name = uniqueName('parley_test');
      await onServer(server.url, `CREATE DATABASE "${name}" TEMPLATE "${template.name}"`);
      return databaseUrl(server.url, name);
    },
    stop,
    async start() {
      server = await launch(server.port);
    },
    async close() {
      await stop();
      folder.remove();
    },
  };
}
