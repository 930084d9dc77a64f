const { readFileSync } = require('node:fs');
const { dirname, resolve } = require('node:path');
const { default: TestSequencer } = require('@jest/test-sequencer');

/** What a spec reads from beside it: suites, houses, fakes. */
const BESIDE = /from '(\.\.?\/[^']+)'/g;

/**
 * Starts what takes long first, on a fresh clone too: Jest itself goes by the size of the file there, so a spec of a few
 * lines that runs a suite of thousands would start last and keep one core waiting.
 */
module.exports = class LongestFirst extends TestSequencer {
  /** Measured, or else guessed from how much there is to run; in milliseconds, as a byte of dialogue takes about one. */
  time(test) {
    return super.time(test) ?? guess(test);
  }
};

function guess({ path, context }) {
  const bytes = bytesOf(path, new Set());
  return context.config.displayName?.name === 'unit' ? bytes / 100 : bytes;
}

/** A spec with everything of its tests' folder that it imports, without what it tests. */
function bytesOf(path, seen) {
  if (seen.has(path)) return 0;
  seen.add(path);
  let source;
  try {
    source = readFileSync(path, 'utf8');
  } catch {
    return 0; // a folder or a package's own file
  }
  const imports = [...source.matchAll(BESIDE)].map(([, to]) => resolve(dirname(path), `${to}.ts`));
  const ofTests = imports.filter((file) => /\/(test|e2e)\//.test(file));
  return ofTests.reduce((sum, file) => sum + bytesOf(file, seen), source.length);
}
