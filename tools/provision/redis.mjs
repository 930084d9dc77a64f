/** A private Redis (or Valkey) from PATH. */
import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { freePort } from './ports.mjs';

const START_TIMEOUT_MS = 30_000;

/** The three ways to give Parley a Redis, in one sentence. */
export const REDIS_WAYS =
  'Redis is missing: set REDIS_URL to a running Redis 7 or Valkey, or put redis-server or valkey-server on the PATH, or run as root on Debian or Ubuntu, where it is installed with apt-get';

/** The path of the first Redis or Valkey server on the PATH, or undefined. */
export function findRedisServer(path = process.env.PATH ?? '') {
  for (const name of ['redis-server', 'valkey-server']) {
    for (const folder of path.split(delimiter).filter(Boolean)) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not here.
      }
    }
  }
  return undefined;
}

/**
 * Starts a Redis without persistence and waits until it answers.
 * @param {{dir: string, logFile: string, password?: string, port?: number, args?: string[], detached?: boolean}} options
 *   `dir` is its working folder; with a password, which is part of the answered url, nobody else on this machine gets in
 */
export async function startRedisServer(options) {
  const binary = findRedisServer();
  if (binary === undefined) throw new Error(REDIS_WAYS);
  const port = options.port ?? (await freePort());
  const log = openSync(options.logFile, 'a', 0o600);
  const child = spawn(
    binary,
    // `-`: more settings come on standard input, so that no process list shows the password.
    [
      '-',
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      options.dir,
      '--save',
      '',
      '--appendonly',
      'no',
    ].concat(['--daemonize', 'no'], options.args ?? []),
    { cwd: options.dir, detached: options.detached ?? true, stdio: ['pipe', log, log] },
  );
  // One that cannot start does not read; why, is found below.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.password === undefined ? '' : `requirepass ${options.password}\n`);
  closeSync(log);
  child.unref();
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await waitUntilReady(child, port, options);
  const credentials = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`;
  return {
    url: `redis://${credentials}127.0.0.1:${port}`,
    port,
    pid: child.pid,
    exited,
    /** Ends the process and waits for its end. */
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.ref();
      child.kill(signal);
      const kill = setTimeout(() => child.kill('SIGKILL'), 5000);
      await exited;
      clearTimeout(kill);
    },
  };
}

async function waitUntilReady(child, port, { logFile, password }) {
  let failure;
  child.once('error', (error) => (failure = error));
  for (const started = Date.now(); ;) {
    if (failure ?? child.exitCode !== null) {
      throw new Error(
        `Redis did not start: ${failure?.message ?? `it ended with code ${child.exitCode}, see ${logFile}`}`,
      );
    }
    if (await answersPing(port, password)) return;
    if (Date.now() - started > START_TIMEOUT_MS)
      throw new Error(`Redis did not answer on port ${port}, see ${logFile}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Speaks the protocol by hand: before the packages are installed there is no client library. */
function answersPing(port, password) {
  const hello = password === undefined ? '' : `AUTH ${password}\r\n`;
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1');
    const done = (isReady) => {
      socket.destroy();
      resolve(isReady);
    };
    socket.setTimeout(500, () => done(false));
    socket.once('error', () => done(false));
    socket.once('connect', () => socket.write(`${hello}PING\r\n`));
    socket.on('data', (data) => {
      answer += data.toString();
      if (answer.includes('+PONG')) done(true);
      else if (answer.startsWith('-')) done(false);
    });
    socket.once('close', () => done(false));
  });
}
