import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(__dirname, '..', '..', '..');
/** What the bench keeps between runs. */
export const FOLDER = join(ROOT, '.parley', 'bench');
export const LOGS = join(FOLDER, 'logs');

/** What the figures depend on. */
export function machine(): { cores: number; model: string; node: string } {
  return { cores: cpus().length, model: cpus()[0]?.model ?? '', node: process.version };
}

/** Of what is measured, e.g. `0.1.0 (1a2b3c4)`. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  try {
    return `${version} (${execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim()})`;
  } catch {
    return version;
  }
}

/**
 * Writes `<name>.json` and `<name>.svg`.
 * @returns where the figures are
 */
export function writeResults(folder: string, name: string, figures: object, plot: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.json`);
  writeFileSync(file, `${JSON.stringify(figures, undefined, 1)}\n`);
  writeFileSync(join(folder, `${name}.svg`), plot);
  return file;
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
