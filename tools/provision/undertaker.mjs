/**
 * Cleans up after a program that may be killed at any moment: a process of its own that reads, on its standard input,
 * which processes and folders its parent made. When the input ends, for whatever reason, what is left is removed.
 *
 * Lines: `+<pid> <signal>` started, `-<pid>` ended, `dir <path>` a temporary folder, `file <path>` a file with more such lines.
 */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isRunning, sendSignal } from './processes.mjs';

const GRACE_MS = 4000;

/**
 * Starts the undertaker.
 * @returns {import('./undertaker.mjs').Undertaker}
 */
export function startUndertaker() {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    // A process group of its own: Ctrl-C in the terminal must reach the parent only.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  // Neither may keep the parent from exiting.
  child.unref();
  child.stdin.unref?.();
  const say = (line) => void child.stdin.write(`${line}\n`);
  return {
    pid: child.pid,
    watch: (pid, signal = 'SIGTERM') => say(`+${pid} ${signal}`),
    forget: (pid) => say(`-${pid}`),
    removeFolder: (path) => say(`dir ${path}`),
    readFile: (path) => say(`file ${path}`),
    /** Lets the undertaker do its work now and waits until it is done. */
    close: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve();
        child.ref();
        child.once('exit', () => resolve());
        child.stdin.end();
      }),
  };
}

/** Applies one line to what is to be cleaned up. Exported for its test. */
export function note(state, line) {
  const [word, rest] = [line.split(' ')[0], line.slice(line.indexOf(' ') + 1)];
  if (word.startsWith('+')) state.processes.set(Number(word.slice(1)), rest);
  else if (word.startsWith('-')) state.processes.delete(Number(word.slice(1)));
  else if (word === 'dir') state.folders.add(rest);
  else if (word === 'file') state.files.add(rest);
}

async function cleanUp(state) {
  for (const file of state.files) {
    try {
      for (const line of readFileSync(file, 'utf8').split('\n')) note(state, line);
    } catch {
      // Nobody wrote to it.
    }
  }
  for (const [pid, signal] of state.processes) sendSignal(pid, signal);
  const deadline = Date.now() + GRACE_MS;
  while ([...state.processes.keys()].some(isRunning) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (const pid of state.processes.keys()) sendSignal(pid, 'SIGKILL');
  for (const folder of state.folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const state = { processes: new Map(), folders: new Set(), files: new Set() };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => note(state, line));
  lines.on('close', () => void cleanUp(state).then(() => process.exit(0)));
}
