/**
 * Compiles every workspace package's `src` to its `dist` (CommonJS). Types are checked by `npm run types`; this step only
 * has to be quick, so it compiles the files that are newer than their output and removes outputs whose source is gone.
 */
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The folders that hold a workspace package with sources. */
async function packageFolders() {
  const groups = ['apps', 'libs', 'libs/protocols'];
  const found = [join(root, 'bench')];
  for (const group of groups) {
    for (const entry of await readdir(join(root, group), { withFileTypes: true }).catch(() => [])) {
      const folder = join(root, group, entry.name);
      if (entry.isDirectory() && (await exists(join(folder, 'package.json')))) found.push(folder);
    }
  }
  return found;
}

async function exists(path) {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function filesBelow(folder) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

async function isFresh(source, output) {
  const [from, to] = await Promise.all([stat(source), stat(output).catch(() => undefined)]);
  return to !== undefined && to.mtimeMs >= from.mtimeMs;
}

/** Builds all packages; answers how many files were compiled. */
export async function build() {
  const { transform } = await import('@swc/core');
  const options = JSON.parse(await readFile(join(root, '.swcrc'), 'utf8'));
  let compiled = 0;
  for (const folder of await packageFolders()) {
    const sources = join(folder, 'src');
    const outputs = join(folder, 'dist');
    const expected = new Set();
    for (const source of await filesBelow(sources)) {
      const target = join(outputs, relative(sources, source));
      if (!source.endsWith('.ts')) {
        expected.add(target);
        if (!(await isFresh(source, target))) {
          await mkdir(dirname(target), { recursive: true });
          await writeFile(target, await readFile(source));
        }
        continue;
      }
      if (source.endsWith('.spec.ts') || source.endsWith('.d.ts')) continue;
      const output = target.replace(/\.ts$/, '.js');
      expected.add(output).add(`${output}.map`);
      if (await isFresh(source, output)) continue;
      const result = await transform(await readFile(source, 'utf8'), { ...options, filename: source, swcrc: false });
      await mkdir(dirname(output), { recursive: true });
      await writeFile(`${output}.map`, result.map ?? '');
      await writeFile(output, result.code);
      compiled += 1;
    }
    for (const output of await filesBelow(outputs)) if (!expected.has(output)) await rm(output);
  }
  return compiled;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const startedAt = Date.now();
  const compiled = await build();
  console.log(`built: ${compiled} files compiled in ${Date.now() - startedAt} ms`);
}
