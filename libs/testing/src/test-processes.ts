import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ENV } from './environment';

/** Tells the run's undertaker about a process, so that it ends also when this worker is killed. */
export function registerProcess(pid: number, signal: NodeJS.Signals = 'SIGTERM'): void {
  note(`+${pid} ${signal}`);
}

/** Tells the run's undertaker that a process has ended. */
export function forgetProcess(pid: number): void {
  note(`-${pid}`);
}

function note(line: string): void {
  const file = process.env[ENV.processes];
  if (file !== undefined) appendFileSync(file, `${line}\n`);
}

/** A temporary folder, removed by `remove` or by the run's undertaker. */
export function temporaryFolder(prefix: string): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `${prefix}-`));
  note(`dir ${path}`);
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}
