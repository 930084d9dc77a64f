/** Takes a domain to another region, step by step, and shows how far it is. */
import { bar } from './bar.mjs';

/** Each phase with what people are told it does, in their order. */
const PHASES = {
  freezing: 'Freeze',
  copying: 'Copy',
  switching: 'Switch the directory and the new home',
  deleting: 'Delete at the old home',
};

/** Between two steps that wait for something. */
const WAIT_MS = 300;
/** A region that does not answer for so long ends the command; the move stands where it is. */
const PATIENCE_MS = 60_000;

/**
 * @param {object} parts
 * @param {() => Promise<object>} parts.step does one step and answers the status; rejects with `status` 503 when it is to
 *   be repeated
 * @param {{step: Function}} parts.progress
 * @param {(ms: number) => Promise<void>} [parts.pause]
 * @returns the last status
 */
export async function moveDomain({ step, progress, pause = sleep }) {
  let status = await patiently(step, pause, () => undefined);
  for (const [phase, name] of Object.entries(PHASES)) {
    if (status.phase !== phase) continue;
    await progress.step(name, async (report) => {
      while (status.phase === phase) {
        report(detailOf(status));
        if (status.waitingFor !== null) await pause(WAIT_MS);
        status = await patiently(step, pause, report);
      }
      return { note: phase === 'copying' ? `${status.rowsDone} rows` : '' };
    });
  }
  return status;
}

function detailOf({ phase, waitingFor, rowsDone, rowsTotal, table }) {
  if (waitingFor !== null) return `waiting for ${waitingFor}`;
  return phase === 'copying' ? `${bar(rowsDone, rowsTotal, 'rows')}${table ? ` ${table}` : ''}` : '';
}

async function patiently(step, pause, report) {
  for (let waited = 0; ; waited += WAIT_MS) {
    try {
      return await step();
    } catch (error) {
      if (error.status !== 503 || waited >= PATIENCE_MS) throw error;
      report(error.message);
      await pause(WAIT_MS);
    }
  }
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
