/** What the first-minute tools need to know of the Parley that `npm start` runs in this folder. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The contents of `.parley/run.json`; ends the process with one sentence when nothing runs here. */
export async function readRunFile() {
  const path = join(process.env.PARLEY_HOME ?? join(root, '.parley'), 'run.json');
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    console.error('Parley does not run in this folder. Start it with "npm start" in another terminal, then try again.');
    process.exit(1);
  }
}
