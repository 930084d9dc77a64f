/** What the first-minute tools need to know of the Parley that `npm start` runs in this folder. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The contents of `.parley/run.json`; ends the process with one sentence when nothing runs here. */
export async function readRunFile() {
  const path = join(process.env.PARLEY_HOME ?? join(root, '.parley'), 'run.json');
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return stop('Parley does not run in this folder. Start it with "npm start" in another terminal, then try again.');
  }
}

/**
 * Reads the command line of a tool; prints `help` when it is asked for, or what is wrong in one sentence, and ends.
 * @param {string} command how people call the tool, e.g. `npm run join`
 * @param {import('node:util').ParseArgsConfig} config
 */
export function readCommandLine(command, help, config) {
  try {
    const options = { ...config.options, help: { type: 'boolean', short: 'h' } };
    const parsed = parseArgs({ ...config, options });
    if (!parsed.values.help) return parsed;
  } catch (error) {
    return stop(`${error.message.split('. ')[0].replace(/\.$/, '')}: see "${command} -- --help".`);
  }
  console.log(help);
  return process.exit(0);
}

/** Ends the process with one sentence. */
export function stop(sentence) {
  console.error(sentence);
  process.exit(1);
}
