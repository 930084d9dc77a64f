import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { readDockerfile } from './dockerfile';
import { repositoryRoot, serviceNames } from './repository-facts';
import { temporaryFolder } from './temporary-folder';

const dockerfile = readDockerfile(join(repositoryRoot, 'Dockerfile'));
const services = [...serviceNames, 'migrate'].sort();

/** Instructions of the stage with this name. */
const stage = (name: string) => dockerfile.stages.find((candidate) => candidate.name === name)?.instructions ?? [];
const last = dockerfile.stages.at(-1);

describe('Dockerfile', () => {
  it('builds on one release line of Node on a named Debian', () => {
    expect(dockerfile.arguments.NODE_IMAGE).toMatch(/^node:\d+(\.\d+)*-[a-z]+-slim(@sha256:[0-9a-f]{64})?$/);
    const foreign = dockerfile.stages.filter(({ from }) => !dockerfile.stages.some(({ name }) => name === from));
    expect(foreign.map(({ from }) => from)).toEqual(['${NODE_IMAGE}', '${NODE_IMAGE}', 'service-${SERVICE}']);
  });

  it('ends in the stage that SERVICE picks: one per folder of apps/, and the migration', () => {
    expect(last?.from).toBe('service-${SERVICE}');
    const picked = dockerfile.stages.flatMap(({ name }) => /^service-(.+)$/.exec(name ?? '')?.[1] ?? []);
    expect(picked.sort()).toEqual(services);
    expect(services).toContain(dockerfile.arguments.SERVICE);
  });

  it('runs as an unprivileged user whose files are not its own', () => {
    const runtime = stage('runtime');
    expect(runtime.filter(({ word }) => word === 'USER').at(-1)?.rest).toBe('10001:10001');
    expect(runtime.filter(({ word }) => word === 'COPY').map(({ rest }) => rest)).toEqual([
      '--from=production /out /app',
    ]);
  });

  it.each(services)('starts %s with Node as process 1, from what is built', (service) => {
    const instructions = stage(`service-${service}`);
    const source = service === 'migrate' ? 'tools/migrate.mjs' : `apps/${service}/src/main.ts`;
    const program = source.replace('/src/', '/dist/').replace(/\.ts$/, '.js');
    expect(instructions.find(({ word }) => word === 'CMD')?.rest).toBe(
      JSON.stringify(['node', program]).replace(',', ', '),
    );
    expect({ source, exists: existsSync(join(repositoryRoot, source)) }).toEqual({ source, exists: true });
  });

  it('asks for health with Node, as the image has no curl', () => {
    const check = stage('runtime').find(({ word }) => word === 'HEALTHCHECK')?.rest ?? '';
    const program = /"node", "\/app\/([^"]+)"/.exec(check)?.[1] ?? 'none';
    expect(existsSync(join(repositoryRoot, program))).toBe(true);
  });

  it('needs no BuildKit', () => {
    const text = readFileSync(join(repositoryRoot, 'Dockerfile'), 'utf8');
    expect(text).not.toMatch(/^\s*(RUN|COPY|ADD) .*(--mount|--chmod|--parents|--link)|<<EOF|^# syntax=/m);
  });
});

describe('.dockerignore', () => {
  const patterns = readFileSync(join(repositoryRoot, '.dockerignore'), 'utf8').split('\n');

  it.each([
    '**/.env',
    '**/.env.*',
    '**/secrets.env',
    '**/*.spec.ts',
    '**/*.spec.mjs',
    '.parley',
    '.git',
    '**/node_modules',
    '**/dist',
  ])('keeps out %s', (pattern) => {
    expect(patterns).toContain(pattern);
  });
});

describe('production-tree.mjs', () => {
  const temporaryOut = temporaryFolder();

  it.each(services)('lays out %s with the manifests of what it needs', (service) => {
    const out = join(temporaryOut, service);
    execFileSync(process.execPath, [join(__dirname, 'production-tree.mjs'), service, out], { stdio: 'pipe' });
    const main = service === 'migrate' ? 'tools' : `apps/${service}`;
    for (const path of [
      'pnpm-lock.yaml',
      'patches',
      'libs/persistence/package.json',
      `${main}/package.json`,
      'tools/deployment/healthcheck.mjs',
    ]) {
      expect({ path, exists: existsSync(join(out, path)) }).toEqual({ path, exists: true });
    }
    expect(existsSync(join(out, 'libs/testing'))).toBe(false);
    expect(existsSync(join(out, 'prisma/migrations'))).toBe(service === 'migrate');
  });

  it.each(['accounts', 'domains', 'backends', 'regions'])('gives the api %s, which needs no package', (tool) => {
    const out = join(temporaryOut, `api-with-${tool}`);
    execFileSync(process.execPath, [join(__dirname, 'production-tree.mjs'), 'api', out], { stdio: 'pipe' });
    const help = execFileSync(process.execPath, [`tools/${tool}.mjs`, '--help'], { cwd: out, encoding: 'utf8' });
    expect(help).toContain(`npm run ${tool}`);
    expect(readdirSync(out, { recursive: true }).filter((path) => String(path).includes('node_modules'))).toEqual([]);
  });

  it('gives tools that ask the api beside them, of its own region only', () => {
    const env = { ADMIN_PORT: '1', PARLEY_ADMIN_BOOTSTRAP_KEY: 'k'.repeat(32), PARLEY_REGION: 'eu-1' };
    const list = (region: string) =>
      spawnSync(process.execPath, ['tools/accounts.mjs', 'list', '--region', region], {
        cwd: repositoryRoot,
        env: { ...process.env, ...env },
        encoding: 'utf8',
      }).stderr;
    expect(list('eu-1')).toContain('Nothing answers at http://127.0.0.1:1');
    expect(list('us-1')).toContain('This is the api of eu-1');
  });

  it('knows no other services', () => {
    const run = () =>
      execFileSync(process.execPath, [join(__dirname, 'production-tree.mjs'), 'fax', join(temporaryOut, 'fax')], {
        stdio: 'pipe',
      });
    expect(run).toThrow('There is no workspace package @parley/fax.');
  });
});
