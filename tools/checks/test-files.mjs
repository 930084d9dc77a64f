import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';

const SKIPPED = new Set(['node_modules', 'dist', '.git', '.parley', 'coverage', 'generated']);
const TEST_FILE = /\.(spec|test)\.[cm]?[jt]sx?$/;

/** All files below `root` that look like tests, as paths from there. */
export function findTestFiles(root, folder = root) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : findTestFiles(root, path);
    return TEST_FILE.test(entry.name) ? [relative(root, path)] : [];
  });
}

/** The test files that no Jest project runs: a name with a slip in it would otherwise hide a test for ever. */
export async function orphanedTests(root) {
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const { stdout } = await promisify(execFile)(process.execPath, [jest, '--listTests'], {
    cwd: root,
    maxBuffer: 16_000_000,
  });
  const run = new Set(stdout.split('\n').map((file) => relative(root, file)));
  return findTestFiles(root).filter((file) => !run.has(file));
}
