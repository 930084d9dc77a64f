import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startThrowAwayPostgres, startUndertaker, type Undertaker } from '@parley/tools/provision';
import { ENV } from './environment';
import { makeTemplate } from './migrated-template';

/** The server of a run and the folder that goes with it. */
interface RunServer {
  url: string;
  folder: string;
  undertaker: Undertaker;
  close(): Promise<void>;
}

/** What the set-up leaves for the tear-down, which runs in the same process. */
interface Run {
  server: RunServer;
  template: { drop(): Promise<void> };
}

const RUN = Symbol.for('parley.test-run');
type WithRun = typeof globalThis & { [RUN]?: Run };

/**
 * Once per `jest` run: one PostgreSQL with one migrated template database for all workers. It is stopped by the tear-down
 * or, when the run is interrupted or killed, by the undertaker.
 */
export default async function setUpRun(): Promise<void> {
  const given = process.env[ENV.databaseUrl];
  const server = given ? givenServer(given) : await startThrowAwayPostgres();
  const processes = join(server.folder, 'processes');
  writeFileSync(processes, '');
  server.undertaker.readFile(processes);
  const template = await makeTemplate(server.url).catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  process.env[ENV.serverUrl] = server.url;
  process.env[ENV.template] = template.name;
  process.env[ENV.processes] = processes;
  (globalThis as WithRun)[RUN] = { server, template };
}

/** Stops what {@link setUpRun} started. */
export async function tearDownRun(): Promise<void> {
  const run = (globalThis as WithRun)[RUN];
  if (run === undefined) return;
  delete (globalThis as WithRun)[RUN];
  await run.template.drop();
  await run.server.close();
}

function givenServer(url: string): RunServer {
  const folder = mkdtempSync(join(tmpdir(), 'parley-test-'));
  const undertaker = startUndertaker();
  undertaker.removeFolder(folder);
  return { url, folder, undertaker, close: () => undertaker.close() };
}
