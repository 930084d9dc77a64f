import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder';

/** Runs make-secrets.mjs as an operator would, into a folder of its own unless told where. */
export function makeSecretsFile(path = join(temporaryFolder(), '.env')): {
  readonly path: string;
  readonly values: Readonly<Record<string, string>>;
} {
  execFileSync(process.execPath, [join(__dirname, 'make-secrets.mjs'), path], { stdio: ['ignore', 'ignore', 'pipe'] });
  return { path, values: readEnvironmentFile(path) };
}

/** `NAME=value` lines; the comments that make-secrets.mjs writes are whole lines. */
export function readEnvironmentFile(path: string): Record<string, string> {
  const lines = readFileSync(path, 'utf8').split('\n');
  const pairs = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split('='));
  return Object.fromEntries(pairs.map(([name = '', ...value]) => [name, value.join('=')]));
}
