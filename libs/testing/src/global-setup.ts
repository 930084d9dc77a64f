import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgresServer, startUndertaker, type Undertaker } from '@parley/tools/provision';
import { ENV } from './environment';
import { makeTemplate } from './migrated-template';
import { type TestServer } from './server-databases';

/** What the set-up leaves for the tear-down, which runs in the same process. */
interface Run {
  undertaker: Undertaker;
  server?: { stop(): Promise<void> };
  template: { drop(): Promise<void> };
}

const RUN = Symbol.for('parley.test-run');
type WithRun = typeof globalThis & { [RUN]?: Run };

/**
 * Once per `jest` run: one PostgreSQL with one migrated template database for all workers. It is stopped by the tear-down
 * or, when the run is interrupted or killed, by the undertaker.
 */
export async function setUpRun(): Promise<void> {
  if (process.env[ENV.serverUrl] !== undefined) return;
  const folder = mkdtempSync(join(tmpdir(), 'parley-test-'));
  // The account that runs PostgreSQL for root must be able to walk through it.
  chmodSync(folder, 0o711);
  const undertaker = startUndertaker();
  undertaker.removeFolder(folder);
  const processes = join(folder, 'processes');
  writeFileSync(processes, '');
  undertaker.readFile(processes);
  const server = await openServer(folder, undertaker);
  const template = await makeTemplate(server.url);
  process.env[ENV.serverUrl] = server.url;
  process.env[ENV.template] = template.name;
  process.env[ENV.processes] = processes;
  (globalThis as WithRun)[RUN] = { undertaker, server, template };
}

/** Stops what {@link setUpRun} started. */
export async function tearDownRun(): Promise<void> {
  const run = (globalThis as WithRun)[RUN];
  if (run === undefined) return;
  delete (globalThis as WithRun)[RUN];
  await run.template.drop();
  await run.server?.stop();
  await run.undertaker.close();
}

async function openServer(folder: string, undertaker: Undertaker): Promise<TestServer> {
  const given = process.env[ENV.databaseUrl];
  if (given !== undefined && given !== '') return { url: given, stop: () => Promise.resolve() };
  const server = await startPostgresServer({
    folder: join(folder, 'postgres'),
    logFile: join(folder, 'postgres.log'),
    password: randomBytes(12).toString('hex'),
    throwAway: true,
  });
  undertaker.watch(server.pid, 'SIGINT');
  return server;
}

export default setUpRun;
