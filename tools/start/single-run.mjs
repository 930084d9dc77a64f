/** One `npm start` per folder; and what a killed one left behind is ended before the next one begins. */
import { readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { SetupFailure } from '../setup-failure.mjs';
import { isRunning, sendSignal } from '../provision/processes.mjs';
import { note } from '../provision/undertaker.mjs';

const UNDERTAKER_TIMEOUT_MS = 15_000;

/**
 * Claims the folder for this process.
 * @param {{lock: string, processes: string, path: string}} folder
 * @param {string} root folder of the checkout
 * @param {number} port where this run will answer, told to those who come later
 * @returns {Promise<{setUndertaker(pid: number): void, release(): void}>}
 * @throws {SetupFailure} when another run is alive
 */
export async function claimFolder(folder, root, port) {
  const content = { pid: process.pid, port };
  for (;;) {
    try {
      writeFileSync(folder.lock, JSON.stringify(content), { flag: 'wx', mode: 0o600 });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const other = readLock(folder.lock);
    if (other !== undefined && isStart(other.pid)) {
      throw new SetupFailure(
        `Parley already runs in ${folder.path} (process ${other.pid}, port ${other.port}): stop it with Ctrl-C in its terminal or \`kill ${other.pid}\``,
      );
    }
    if (other?.undertaker !== undefined) await waitForEnd(other.undertaker);
    await endLeftOvers(folder, root);
    rmSync(folder.lock, { force: true });
  }
  return {
    setUndertaker: (pid) =>
      writeFileSync(folder.lock, JSON.stringify({ ...content, undertaker: pid }), { mode: 0o600 }),
    release: () => rmSync(folder.lock, { force: true }),
  };
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** A pid may have gone to another program since; where /proc tells, it is asked. */
function isStart(pid) {
  if (!Number.isInteger(pid) || pid === process.pid || !isRunning(pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('start.mjs');
  } catch {
    return true;
  }
}

/** The undertaker of a killed run is given the time to do its work. */
async function waitForEnd(pid) {
  for (const startedAt = performance.now(); isRunning(pid) && performance.now() - startedAt < UNDERTAKER_TIMEOUT_MS;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Ends the processes on the list that still run from this checkout: those of a run whose undertaker was killed as well. */
async function endLeftOvers(folder, root) {
  const state = { processes: new Map(), folders: new Set(), files: new Set() };
  try {
    for (const line of readFileSync(folder.processes, 'utf8').split('\n')) note(state, line);
  } catch {
    return;
  }
  const alive = () => [...state.processes.keys()].filter((pid) => isRunning(pid) && worksIn(pid, [root, folder.path]));
  for (const pid of alive()) sendSignal(pid, state.processes.get(pid));
  for (const startedAt = performance.now(); alive().length > 0;) {
    if (performance.now() - startedAt > 8000) for (const pid of alive()) sendSignal(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  rmSync(folder.processes, { force: true });
}

function worksIn(pid, folders) {
  try {
    const own = readlinkSync(`/proc/${pid}/cwd`);
    return folders.some((folder) => own === folder || own.startsWith(`${folder}/`));
  } catch {
    return false;
  }
}
