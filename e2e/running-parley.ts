import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@parley/testing';

const root = join(__dirname, '..');

/** How much of a log is shown, in characters. */
const LOG_SHOWN = 8_000;

/** A region as `run.json` describes it. */
export interface RunningRegion {
  readonly id: string;
  /** Its front door. */
  readonly url: string;
  readonly signaling: readonly string[];
  readonly adminUrl: string;
  readonly postgresUrl: string;
  readonly redisUrl: string;
}

/** What `npm start` writes into `run.json`. */
export interface RunFile {
  readonly url: string;
  readonly regions: readonly RunningRegion[];
  readonly account: { readonly authId: string; readonly secret: string };
  readonly domain: string;
  readonly webhookKey: string;
  readonly internalSecret: string;
  readonly adminUrl: string;
  readonly adminKey: string;
  readonly pids: Readonly<Record<string, readonly number[]>>;
  readonly postgresUrl: string;
  readonly redisUrl: string;
  readonly directoryUrl: string;
}

/** The real services as processes, started as a newcomer starts them. */
export interface RunningParley {
  readonly run: RunFile;
  /** Everything it printed. */
  output(): string;
  /** The last characters of a service's log, e.g. of `webhooks`; so many that people can read them, if not told otherwise. */
  log(service: string, characters?: number): Promise<string>;
  /** All that the processes of a region logged, where there are several. */
  logsOf(region: string): Promise<string>;
  /** Reads `run.json` again, e.g. after a process was replaced. */
  reread(): Promise<RunFile>;
  /** Ctrl-C, then waits for the end. */
  stop(): Promise<void>;
}

/**
 * Runs `npm start` in a folder of its own and waits until it is ready.
 * @param options command line options of `npm start`
 */
export function startParley(...options: string[]): Promise<RunningParley> {
  return startParleyIn({}, ...options);
}

/** As {@link startParley}, with these variables besides; services are handed few of them, see `tools/start/run.mjs`. */
export async function startParleyIn(
  env: Readonly<Record<string, string>>,
  ...options: string[]
): Promise<RunningParley> {
  const home = await mkdtemp(join(tmpdir(), 'parley-e2e-'));
  // One for each of two regions.
  const port = await freePort(2);
  const child = spawn(process.execPath, ['tools/start.mjs', '--port', String(port), ...options], {
    cwd: root,
    env: { ...process.env, ...env, CI: 'true', PARLEY_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const readRun = async () => JSON.parse(await readFile(join(home, 'run.json'), 'utf8')) as RunFile;
  await untilReady(child, () => printed);
  return {
    run: await readRun(),
    output: () => printed,
    log: async (service, characters = LOG_SHOWN) =>
      (await readFile(join(home, 'logs', `${service}.log`), 'utf8')).slice(-characters),
    logsOf: async (region) => {
      const names = (await readdir(join(home, 'logs'))).filter((name) => name.startsWith(`${region}-`));
      return (await Promise.all(names.map((name) => readFile(join(home, 'logs', name), 'utf8')))).join('');
    },
    reread: readRun,
    async stop() {
      await ended(child, () => child.kill('SIGINT'));
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** `npm start` says so when it is ready; ends with what it printed when it gives up. */
async function untilReady(child: ChildProcess, printed: () => string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const look = () => {
      if (printed().includes('Started in ')) resolve();
    };
    child.stdout?.on('data', look);
    child.once('exit', (code) => reject(new Error(`npm start ended with ${code}:\n${printed()}`)));
  });
}

async function ended(child: ChildProcess, act: () => void): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  act();
  await exit;
}
