/** Installs the workspace's packages with the package manager that package.json names. Built-in modules only. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines, SetupFailure } from '../setup-failure.mjs';

/** Whether what is installed is what the lock file and every package.json ask for. */
export function arePackagesInstalled(root) {
  const stamp = stampFile(root);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(root);
}

/**
 * Installs from the lock file unless it is done.
 * @param {(text: string) => void} report is told what the installer does
 * @param {AbortSignal} [signal] gives up
 * @returns whether anything had to be installed
 */
export async function installPackages({ root, logFile, report = () => undefined, signal }) {
  if (arePackagesInstalled(root)) return false;
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { code, output } = await run(['--yes', packageManager, 'install', '--frozen-lockfile'], {
    root,
    logFile,
    report,
    signal,
  });
  if (code !== 0) throw new SetupFailure(describeFailure(output, logFile), { cause: new Error(lastLines(output)) });
  writeFileSync(stampFile(root), fingerprint(root));
  return true;
}

function stampFile(root) {
  return join(root, 'node_modules', '.parley-installed');
}

/** The folders of all workspace packages, from the list of patterns in pnpm-workspace.yaml. */
export function workspaceFolders(root) {
  const yaml = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');
  const section = /^packages:\n((?:[ \t]+-.*\n?)+)/m.exec(yaml)?.[1] ?? '';
  const patterns = [...section.matchAll(/-\s*['"]?([^'"\s]+)/g)].map((match) => match[1]);
  const folders = patterns.flatMap((pattern) => {
    if (!pattern.endsWith('/*')) return [pattern];
    const parent = pattern.slice(0, -2);
    if (!existsSync(join(root, parent))) return [];
    return readdirSync(join(root, parent)).map((name) => `${parent}/${name}`);
  });
  return folders.filter((folder) => existsSync(join(root, folder, 'package.json'))).sort();
}

function fingerprint(root) {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${process.versions.modules}\n`);
  const manifests = workspaceFolders(root).map((folder) => `${folder}/package.json`);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...manifests]) {
    hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

function run(args, { root, logFile, report, signal }) {
  // With CI set, pnpm asks nothing and replaces a node_modules that another version made.
  const child = spawn('npx', args, {
    cwd: root,
    env: { ...process.env, CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  let output = '';
  const take = (chunk) => {
    output += chunk;
    appendFileSync(logFile, chunk);
    const progress = /Progress: .*/g.exec(String(chunk));
    if (progress) report(progress[0].replace('Progress: ', '').replace(/, done/, ''));
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: 1, output: error.message }));
    child.once('close', (code) => resolve({ code, output }));
  });
}

function describeFailure(output, logFile) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(output)) {
    return `the packages could not be downloaded: check the network or the npm registry settings, details are in ${logFile}`;
  }
  if (/ERR_PNPM_OUTDATED_LOCKFILE|frozen-lockfile/.test(output)) {
    return 'pnpm-lock.yaml does not fit the package.json files: run `npx pnpm install` and commit the lock file';
  }
  const line = output.split('\n').find((text) => /ERR|error/i.test(text)) ?? lastLines(output, 1);
  return `the packages could not be installed: ${line.trim()} (details are in ${logFile})`;
}
