/**
 * `npm test`: sets itself up and runs every check; `npm run test:full` (`--full`) runs the slow tests. Nothing stops at the
 * first failure: the end says what failed, and the last line is the count of tests.
 */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { countLine, countTests } from './outcome.mjs';
import { runCommand } from './run-command.mjs';
import { orphanedTests } from './test-files.mjs';
import { createProgress } from '../progress.mjs';
import { ensureKubectl } from '../provision/ensure-kubectl.mjs';
import { ensureRedis } from '../provision/ensure-redis.mjs';
import { installPackages } from '../provision/packages.mjs';
import { repositoryRoot as root } from '../repository.mjs';
import { sentenceFor } from '../setup-failure.mjs';

const JEST_WORKERS = '2';
const bin = (name, file) => join(root, 'node_modules', name, file);

/** What is checked without running the code. */
const STATIC_CHECKS = [
  ['Format', [bin('prettier', 'bin/prettier.cjs'), '--check', '--log-level', 'warn', '.']],
  ['Lint and borders', [bin('eslint', 'bin/eslint.js'), '.', '--max-warnings', '0']],
  ['Types', [bin('typescript', 'bin/tsc'), '-p', 'tsconfig.json', '--noEmit']],
];

/** Generators that can tell whether what they wrote is still true. */
const GENERATORS = [['Configuration reference', ['tools/config-doc.mjs', '--check']]];

class Failed extends Error {}

/** Runs the checks; answers the exit code. */
export async function runChecks({ full }) {
  const progress = createProgress();
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => abort.abort());
  const folder = mkdtempSync(join(tmpdir(), 'parley-checks-'));
  const run = { progress, folder, failed: [], signal: abort.signal };
  try {
    await setUp(run);
    if (!full) await checkStatically(run);
    const counts = await runTests(run, full ? ['full'] : ['unit', 'integration', 'e2e']);
    return report(run, counts);
  } catch (error) {
    progress.say(sentenceFor(error, root) ?? error.stack);
    return 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function setUp({ progress, folder, signal }) {
  const logFile = join(folder, 'install.log');
  appendFileSync(logFile, '');
  await progress.step('Install packages', async (report) => {
    const did = await installPackages({ root, logFile, report, signal });
    return { note: did ? '' : 'up to date' };
  });
  await progress.step('Find Redis', (report) => ensureRedis({ env: { PATH: process.env.PATH }, report }));
  await progress.step('Find kubectl', async (report) => {
    const { folder: toolFolder, note } = await ensureKubectl({ root, report });
    if (toolFolder !== undefined) process.env.PATH = `${toolFolder}${delimiter}${process.env.PATH}`;
    return { note };
  });
  await progress.step('Generate the database client', async () => {
    const { generate } = await import('../prisma-generate.mjs');
    return { note: (await generate()) ? '' : 'up to date' };
  });
  await progress.step('Build', async () => {
    const { build } = await import('../build.mjs');
    const compiled = await build();
    return { note: compiled === 0 ? 'up to date' : `${compiled} files` };
  });
}

async function checkStatically(run) {
  for (const [name, args] of STATIC_CHECKS) await check(run, name, args);
  for (const [name, args] of GENERATORS) if (existsSync(join(root, args[0]))) await check(run, name, args);
  await attempt(run, 'Every test is run', async () => {
    const orphans = await orphanedTests(root);
    if (orphans.length > 0) throw new Failed(`no Jest project runs these: ${orphans.join(', ')}`);
  });
}

async function check(run, name, args) {
  await attempt(run, name, async () => {
    const { code, output } = await runCommand(args, { cwd: root, signal: run.signal });
    if (code !== 0) throw new Failed(output.trim());
  });
}

/** A step whose failure is written down instead of ending the run. */
async function attempt(run, name, work) {
  run.signal.throwIfAborted();
  try {
    await run.progress.step(name, work);
  } catch (error) {
    run.failed.push(name);
    run.progress.say(error instanceof Failed ? error.message : error.stack);
  }
}

async function runTests(run, projects) {
  run.signal.throwIfAborted();
  const results = join(run.folder, 'results.json');
  const args = [
    bin('jest', 'bin/jest.js'),
    '--ci',
    `--maxWorkers=${JEST_WORKERS}`,
    '--json',
    `--outputFile=${results}`,
  ];
  run.progress.say(`Tests: ${projects.join(', ')} ...`);
  // With --json Jest writes its results to standard output too, and its progress to standard error.
  const { code } = await runCommand([...args, '--selectProjects', ...projects], {
    cwd: root,
    show: true,
    signal: run.signal,
  });
  const counts = countTests(existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : undefined);
  if (code !== 0 || counts.failed > 0 || counts.passed === 0) run.failed.push('Tests');
  return counts;
}

function report({ progress, failed }, counts) {
  for (const name of counts.skipped) progress.say(`skipped, which counts as failed: ${name}`);
  for (const name of counts.broken) progress.say(`could not be run, which counts as failed: ${name}`);
  if (counts.passed + counts.failed === 0) progress.say('no test was found');
  progress.say(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.join(', ')}.`);
  progress.say(countLine(counts));
  return failed.length === 0 ? 0 : 1;
}
