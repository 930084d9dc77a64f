/**
 * Lays out what one service needs to run: `node tools/deployment/production-tree.mjs SERVICE FOLDER`.
 *
 * Copies the compiled output and the manifest of the service and of the workspace packages it depends on, the lock file
 * and the patches, so that a frozen production install in FOLDER adds exactly the locked packages of this service and
 * nothing else.
 */
import { access, cp, mkdir, readFile, readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** The operator's tools: their REST listens on the api's loopback, so they run beside it. They need Node alone. */
const OPERATORS_TOOLS = [
  'tools/accounts.mjs',
  'tools/accounts',
  'tools/admin.mjs',
  'tools/backends.mjs',
  'tools/domains.mjs',
  'tools/move',
  'tools/progress.mjs',
  'tools/regions.mjs',
  'tools/running.mjs',
];

/** Files a service needs besides its packages' `dist`, by service; a folder is copied whole. */
const EXTRAS = { api: OPERATORS_TOOLS, migrate: ['tools/migrate.mjs', 'tools/repository.mjs', 'prisma'] };

/** The workspace package that is the service. The migration job is a tool, the others are apps. */
const packageOf = (service) => (service === 'migrate' ? '@parley/tools' : `@parley/${service}`);

const exists = (path) =>
  access(path).then(
    () => true,
    () => false,
  );

/** Every workspace package by name: its folder and manifest. */
async function workspacePackages() {
  const folders = [join(root, 'tools')];
  for (const group of ['apps', 'libs', 'libs/protocols']) {
    for (const entry of await readdir(join(root, group))) folders.push(join(root, group, entry));
  }
  const found = new Map();
  for (const folder of folders) {
    const path = join(folder, 'package.json');
    if (!(await exists(path))) continue;
    const manifest = JSON.parse(await readFile(path, 'utf8'));
    found.set(manifest.name, { folder, manifest });
  }
  return found;
}

/**
 * The service's package and all workspace packages it needs in production.
 * @throws Error when there is no such service or a dependency is not in the workspace
 */
export async function productionPackages(service) {
  const packages = await workspacePackages();
  const wanted = new Map();
  const visit = (name) => {
    if (wanted.has(name)) return;
    const found = packages.get(name);
    if (!found) throw new Error(`There is no workspace package ${name}.`);
    wanted.set(name, found);
    for (const [dependency, range] of Object.entries(found.manifest.dependencies ?? {})) {
      if (range.startsWith('workspace:')) visit(dependency);
    }
  };
  visit(packageOf(service));
  return [...wanted.values()];
}

async function copy(path, out) {
  const target = join(out, path);
  await mkdir(dirname(target), { recursive: true });
  await cp(join(root, path), target, { recursive: true });
}

async function layOut(service, out) {
  for (const path of ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', 'patches']) await copy(path, out);
  await copy('tools/deployment/healthcheck.mjs', out);
  for (const { folder } of await productionPackages(service)) {
    const path = relative(root, folder);
    await copy(join(path, 'package.json'), out);
    if (await exists(join(folder, 'dist'))) await copy(join(path, 'dist'), out);
  }
  for (const path of EXTRAS[service] ?? []) await copy(path, out);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [service, out] = process.argv.slice(2);
  if (!service || !out) {
    console.error('Usage: node tools/deployment/production-tree.mjs SERVICE FOLDER');
    process.exit(64);
  }
  await layOut(service, out);
}
