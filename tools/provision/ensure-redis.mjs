/** Finds a Redis the way the README promises: REDIS_URL, the PATH, apt-get. Built-in modules only. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { SetupFailure } from '../setup-failure.mjs';
import { findRedisServer, REDIS_WAYS } from './redis.mjs';

const OLDEST = 7;
const execute = promisify(execFile);

/**
 * Makes sure there is a Redis to use.
 * @param {{env?: Record<string, string | undefined>, report?: (text: string) => void}} options
 * @returns {Promise<{url?: string, note: string}>} `url` when somebody else runs it; without it there is a server program
 */
export async function ensureRedis({ env = process.env, report = () => undefined } = {}) {
  if (env.REDIS_URL) {
    await checkAnswers(env.REDIS_URL);
    return { url: env.REDIS_URL, note: 'the one at REDIS_URL' };
  }
  const found = findRedisServer(env.PATH);
  if (found !== undefined) return { note: await checkVersion(found) };
  if (!canInstall()) throw new SetupFailure(REDIS_WAYS);
  report('installing redis-server with apt-get');
  await install();
  const installed = findRedisServer(env.PATH);
  if (installed === undefined) throw new SetupFailure(REDIS_WAYS);
  return { note: `installed with apt-get: ${await checkVersion(installed)}` };
}

function canInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
}

async function install() {
  // RUNLEVEL=1 keeps the package from starting a server of its own on the well-known port.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  try {
    await execute('apt-get', ['update', '-q'], { env });
    await execute('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'redis-server'], { env });
  } catch (error) {
    throw new SetupFailure(`apt-get could not install redis-server; ${REDIS_WAYS}`, { cause: error });
  }
}

async function checkVersion(binary) {
  const { stdout } = await execute(binary, ['--version']);
  const version = /v=(\d+)\.[\d.]+/.exec(stdout);
  if (version === null || Number(version[1]) < OLDEST) {
    const which = version ? version[0].slice(2) : 'unknown';
    throw new SetupFailure(
      `${binary} is version ${which} and Parley needs Redis ${OLDEST} or Valkey: update it or set REDIS_URL`,
    );
  }
  return `${/valkey/i.test(stdout) ? 'Valkey' : 'Redis'} ${version[0].slice(2)}`;
}

/** Only that somebody listens: credentials and TLS are the services' business. */
async function checkAnswers(urls) {
  for (const text of urls.split(',')) {
    const url = new URL(text);
    const reached = await new Promise((resolve) => {
      const socket = connect(Number(url.port || 6379), url.hostname);
      const done = (answer) => {
        socket.destroy();
        resolve(answer);
      };
      socket.setTimeout(3000, () => done(false));
      socket.once('connect', () => done(true));
      socket.once('error', () => done(false));
    });
    if (!reached) {
      throw new SetupFailure(
        `Redis at ${url.host} (REDIS_URL) does not answer: start it, or unset REDIS_URL to use a private one`,
      );
    }
  }
}
