/**
 * Generates the Prisma client, offline, when prisma/schema.prisma or Prisma changed since the last time.
 *
 *   node tools/prisma-generate.mjs [--force]
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { repositoryRoot } from './repository.mjs';

const generated = join(repositoryRoot, 'libs', 'persistence', 'src', 'generated');
const schema = join(repositoryRoot, 'prisma', 'schema.prisma');
const stampFile = join(generated, '.stamp');

/** Whether the generated client belongs to this schema and this Prisma. */
export async function isGenerated() {
  return (await readFile(stampFile, 'utf8').catch(() => '')) === (await stamp());
}

/** Generates unless it is up to date; answers whether it did. */
export async function generate({ force = false } = {}) {
  if (!force && (await isGenerated())) return false;
  const { folder } = await prisma();
  const arguments_ = [join(folder, 'build', 'index.js'), 'generate', `--schema=${schema}`];
  try {
    await promisify(execFile)(process.execPath, arguments_, { cwd: repositoryRoot, env: environment() });
  } catch (error) {
    throw new Error(`prisma generate failed: ${error.stderr || error.message}`, { cause: error });
  }
  await writeFile(stampFile, await stamp());
  return true;
}

async function prisma() {
  const manifest = createRequire(join(repositoryRoot, 'libs', 'persistence', 'package.json')).resolve(
    'prisma/package.json',
  );
  return { folder: join(manifest, '..'), version: JSON.parse(await readFile(manifest, 'utf8')).version };
}

async function stamp() {
  const { version } = await prisma();
  return createHash('sha256')
    .update(version)
    .update(await readFile(schema))
    .digest('hex');
}

function environment() {
  return {
    ...process.env,
    // The client is WebAssembly and generating it needs no engine, but the command line downloads one unless it is given
    // a program; it never runs this one.
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  generate({ force: process.argv.includes('--force') }).then(
    (done) => console.log(done ? 'generated the Prisma client' : 'the Prisma client is up to date'),
    (error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
  );
}
