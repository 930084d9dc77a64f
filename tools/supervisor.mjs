/** Runs the services as child processes: starts them, notices deaths, restarts with growing pauses, stops them. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { lastLines, SetupFailure } from './setup-failure.mjs';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 12_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A process that lived this long starts again with the first pause. */
const STEADY_MS = 30_000;
const LARGEST_LOG_BYTES = 10_000_000;

/**
 * @typedef {{name: string, service: string, command: string, args: string[], cwd: string,
 *   env: Record<string, string>, url: string, logFile: string}} ServiceSpec
 * `name` is unique, `service` the kind (several replicas share it), `url` where it answers `/health/ready`.
 */

/**
 * @param {object} options
 * @param {(text: string) => void} options.report is told of deaths and restarts
 * @param {() => void} options.onChange is called when a process got another pid
 * @param {{watch(pid: number, signal?: string): void, forget(pid: number): void}} options.undertaker
 */
export function createSupervisor({ report, onChange, undertaker }) {
  /** @type {Map<string, ReturnType<typeof entryFor>>} */
  const entries = new Map();
  const state = { stopping: false, started: false };

  function launch(entry) {
    const { spec } = entry;
    const log = openLog(spec.logFile);
    // A group of its own: Ctrl-C in the terminal reaches only us, and we stop them in order.
    const options = { cwd: spec.cwd, env: spec.env, detached: true, stdio: ['ignore', log, log] };
    const child = spawn(spec.command, spec.args, options);
    closeSync(log);
    entry.child = child;
    entry.launchedAt = performance.now();
    entry.exited = new Promise((resolve) => {
      const end = (how) => {
        if (child.pid !== undefined) undertaker.forget(child.pid);
        entry.how = how;
        resolve(how);
        if (!state.stopping && state.started) scheduleRestart(entry, how);
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, signal) => end(signal ? `killed by ${signal}` : `code ${code}`));
    });
    if (child.pid !== undefined) undertaker.watch(child.pid);
  }

  function scheduleRestart(entry, how) {
    if (performance.now() - entry.launchedAt > STEADY_MS) entry.pause = FIRST_PAUSE_MS;
    report(describeDeath(entry, how));
    entry.timer = setTimeout(() => {
      launch(entry);
      onChange();
      waitReady(entry).then(
        () => report(`${entry.spec.name} is back (process ${entry.child.pid})`),
        // Its next end is reported by itself.
        () => undefined,
      );
    }, entry.pause);
    entry.pause = Math.min(entry.pause * 2, LONGEST_PAUSE_MS);
  }

  async function waitReady(entry) {
    const { spec, child } = entry;
    for (const startedAt = performance.now(); ;) {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) throw startFailure(entry);
      if (await isReady(spec.url)) return;
      if (performance.now() - startedAt > READY_TIMEOUT_MS) {
        throw new SetupFailure(`${spec.name} does not get ready: its log is ${spec.logFile}`, { cause: logTail(spec) });
      }
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  }

  return {
    /**
     * Starts services and waits until all are ready.
     * @param {ServiceSpec[]} specs
     */
    async start(specs, waiting = () => undefined) {
      for (const spec of specs) {
        const entry = entryFor(spec);
        entries.set(spec.name, entry);
        launch(entry);
      }
      const missing = new Set(specs.map(({ name }) => name));
      waiting([...missing]);
      await Promise.all(
        specs.map(async ({ name }) => {
          await waitReady(entries.get(name));
          missing.delete(name);
          waiting([...missing]);
        }),
      );
      state.started = true;
      // One may have died between its own readiness and the last one's.
      for (const entry of entries.values()) {
        if (entry.child.exitCode !== null || entry.child.signalCode !== null) scheduleRestart(entry, entry.how);
      }
    },
    /** The process ids by kind of service, in the order of the specs. */
    pids() {
      /** @type {Record<string, number[]>} */
      const pids = {};
      for (const { spec, child } of entries.values()) (pids[spec.service] ??= []).push(child.pid);
      return pids;
    },
    /** Asks all to stop, waits, and kills those that do not. */
    async stop() {
      state.stopping = true;
      await Promise.all([...entries.values()].map(stopEntry));
    },
    /** Kills all at once: for the second Ctrl-C. */
    kill() {
      state.stopping = true;
      for (const { child } of entries.values()) child.kill('SIGKILL');
    },
  };
}

function entryFor(spec) {
  return {
    spec,
    child: undefined,
    exited: undefined,
    how: undefined,
    timer: undefined,
    launchedAt: 0,
    pause: FIRST_PAUSE_MS,
  };
}

async function stopEntry(entry) {
  clearTimeout(entry.timer);
  const { child } = entry;
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await entry.exited;
  clearTimeout(timer);
}

async function isReady(url) {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

function openLog(file) {
  mkdirSync(dirname(file), { recursive: true });
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LARGEST_LOG_BYTES) truncateSync(file);
  return openSync(file, 'a', 0o600);
}

/** What a service said last. Where in the code it was is left to its log: of a stack only the first line says why. */
function logTail({ logFile }) {
  const said = readFileSync(logFile, 'utf8').split('\n');
  return new Error(lastLines(said.filter((line) => !/^(\s+at |Node\.js v)/.test(line)).join('\n')));
}

function startFailure(entry) {
  const { spec, how } = entry;
  const tail = logTail(spec);
  const message = `${spec.name} did not start (${how ?? 'it ended'}): ${lastLines(tail.message, 1) || 'it said nothing'} (its log is ${spec.logFile})`;
  return new SetupFailure(message, { cause: tail });
}

function describeDeath({ spec, pause }, how) {
  const said = lastLines(logTail(spec).message)
    .split('\n')
    .map((line) => `    ${line.slice(0, 300)}`)
    .join('\n');
  return `${spec.name} ended (${how}) and is started again in ${pause / 1000} s; its last lines:\n${said}`;
}
