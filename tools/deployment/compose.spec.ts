import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { interpolate, readComposeFile, type ComposeFile, type ComposeService } from './compose-file';
import { closed, hardened, kept, pinned } from './compose-rules';
import { repositoryRoot, repositoryVersion } from './repository-facts';
import { makeSecretsFile } from './secrets-file';

const variables = makeSecretsFile().values;
const file = readComposeFile(join(repositoryRoot, 'docker-compose.yml'), variables);

/** The file with one service changed: what a careless hand might do to it. */
const spoilt = (name: string, change: Partial<ComposeService>): ComposeFile => {
  const service = file.services[name];
  if (service === undefined) throw new Error(`there is no service ${name}`);
  return { ...file, services: { ...file.services, [name]: { ...service, ...change } } };
};

describe('docker-compose.yml', () => {
  it('runs one region with two gateways', () => {
    expect(Object.keys(file.services).sort()).toEqual([
      'api',
      'gateway-1',
      'gateway-2',
      'migrate',
      'postgres',
      'redis',
      'region-router',
      'webhooks',
    ]);
    const gateways = Object.values(file.services).filter(({ build }) => build?.args?.SERVICE === 'signaling');
    expect(gateways).toHaveLength(2);
  });

  it('gives nobody more rights than needed', () => expect(hardened(file)).toEqual([]));
  it('keeps services up, in order', () => expect(kept(file)).toEqual([]));
  it('has one door', () => expect(closed(file)).toEqual([]));
  it('names images of this version', () => expect(pinned(file, repositoryVersion)).toEqual([]));

  it('starts the router after what it leads to', () => {
    const { depends_on: needs } = file.services['region-router'] ?? {};
    for (const name of ['api', 'gateway-1', 'gateway-2']) expect(needs?.[name]?.condition).toBe('service_healthy');
  });

  it('makes Redis refuse rather than forget, and keep what it is told', () => {
    const text = readFileSync(join(repositoryRoot, 'docker-compose.yml'), 'utf8');
    expect(text).toContain('maxmemory-policy noeviction');
    expect(text).toContain('appendonly no');
  });

  it('holds no secret itself, and says how to make them when they are missing', () => {
    const text = readFileSync(join(repositoryRoot, 'docker-compose.yml'), 'utf8');
    for (const name of Object.keys(variables))
      expect(text).toContain(`\${${name}:?run node tools/deployment/make-secrets.mjs first}`);
    expect(() => readComposeFile(join(repositoryRoot, 'docker-compose.yml'), {})).toThrow('make-secrets.mjs');
  });
});

describe('the rules notice', () => {
  it.each([
    ['a writable root', hardened(spoilt('api', { read_only: false })), 'api: has a read-only root file system'],
    ['a capability', hardened(spoilt('redis', { cap_add: ['CHOWN'] })), 'redis: drops all capabilities and adds none'],
    ['root', hardened(spoilt('postgres', { user: 'root' })), 'postgres: runs as another user than root'],
    [
      'the Docker socket',
      hardened(spoilt('api', { volumes: ['/var/run/docker.sock:/s'] })),
      'api: mounts nothing of the host',
    ],
    ['no limits', hardened(spoilt('webhooks', { deploy: {} })), 'webhooks: limits processor, memory and processes'],
    ['no health check', kept(spoilt('gateway-2', { healthcheck: {} })), 'gateway-2: is asked for its health'],
    ['no order', kept(spoilt('api', { depends_on: {} })), 'api: starts after the migration and Redis'],
    [
      'an open database',
      closed(spoilt('postgres', { ports: ['5432:5432'] })),
      'postgres: publishes a port if and only if it is the router',
    ],
    ['a way out', closed(spoilt('api', { networks: ['outside'] })), 'api: can call out only where its work is outside'],
    ['a moving tag', pinned(spoilt('redis', { image: 'redis:latest' }), '1'), 'redis: has an image with a version'],
  ])('%s', (_what, problems, expected) => expect(problems).toContain(expected));
});

describe('interpolate', () => {
  it.each([
    ['${A}', 'one'],
    ['$A', 'one'],
    ['${A:-two}', 'one'],
    ['${EMPTY:-two}', 'two'],
    ['${EMPTY-two}', ''],
    ['${NONE:-[]}', '[]'],
    ['$$A', '$A'],
    ['ws://${NONE:-127.0.0.1:80}/x', 'ws://127.0.0.1:80/x'],
  ])('%s is %s', (text, expected) => expect(interpolate(text, { A: 'one', EMPTY: '' })).toBe(expected));

  it('refuses a variable that is missing', () => {
    expect(() => interpolate('${NONE:?do this first}', {})).toThrow('NONE is not set: do this first');
  });
});
