import { readFileSync } from 'node:fs';

/** Whether a process runs. One that has ended but was not yet collected by its parent does not. */
export function isRunning(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
  try {
    // The state stands behind the program's name, which is in parentheses and may hold anything.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // No /proc on this system, or the process ended just now.
    return process.platform !== 'linux';
  }
}

/** Sends a signal; a process that is gone already is what was wanted. */
export function sendSignal(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH' && error.code !== 'EPERM') throw error;
  }
}
