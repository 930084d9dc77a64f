/**
 * Writes what follows from the services' configuration schemas: `.env.example`, the README's table and the list of known
 * variables. `--check` only looks and fails when one of them is stale.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const SERVICES = ['region-router', 'api', 'signaling', 'webhooks'];

await build();
const { configFiles } = require('@parley/config');
const schemas = Object.fromEntries(
  SERVICES.map((service) => [service, require(join(root, 'apps', service, 'dist', 'config.js')).configSchema]),
);
const files = configFiles(schemas, await readFile(join(root, 'README.md'), 'utf8'));
let stale = 0;
for (const [path, content] of Object.entries(files)) {
  const present = await readFile(join(root, path), 'utf8').catch(() => '');
  if (present === content) continue;
  stale += 1;
  if (process.argv.includes('--check')) console.error(`${path} is stale: run node tools/config-doc.mjs`);
  else {
    await writeFile(join(root, path), content);
    console.log(`written: ${path}`);
  }
}
if (process.argv.includes('--check') && stale > 0) process.exit(1);
