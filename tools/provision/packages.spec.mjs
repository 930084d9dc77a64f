import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arePackagesInstalled, workspaceFolders } from './packages.mjs';
import { ensureRedis } from './ensure-redis.mjs';
import { findRedisServer } from './redis.mjs';

describe('what is installed', () => {
  let root;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'parley-packages-'));
    writeFileSync(
      join(root, 'pnpm-workspace.yaml'),
      "# which\npackages:\n  - 'apps/*'\n  - e2e\n\nother:\n  - nothing\n",
    );
    for (const folder of ['apps/api', 'apps/empty', 'e2e']) mkdirSync(join(root, folder), { recursive: true });
    for (const folder of ['.', 'apps/api', 'e2e']) writeFileSync(join(root, folder, 'package.json'), '{}');
    writeFileSync(join(root, 'pnpm-lock.yaml'), '');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('knows the workspace without a YAML parser', () => {
    expect(workspaceFolders(root)).toEqual(['apps/api', 'e2e']);
  });

  it('is not believed without a stamp', () => {
    expect(arePackagesInstalled(root)).toBe(false);
  });

  it('finds Redis on the PATH, or Valkey', () => {
    writeFileSync(join(root, 'valkey-server'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(root, 'apps', 'redis-server'), 'not executable', { mode: 0o644 });
    expect(findRedisServer(`/nowhere:${join(root, 'apps')}:${root}`)).toBe(join(root, 'valkey-server'));
    expect(findRedisServer('')).toBeUndefined();
  });

  it('refuses a Redis that is too old, and a REDIS_URL where nobody answers', async () => {
    writeFileSync(join(root, 'redis-server'), '#!/bin/sh\necho "Redis server v=6.0.16 sha=0"\n', { mode: 0o755 });
    await expect(ensureRedis({ env: { PATH: root } })).rejects.toThrow(/is version 6.0.16 and Parley needs Redis 7/);
    await expect(ensureRedis({ env: { REDIS_URL: 'redis://127.0.0.1:1' } })).rejects.toThrow(
      /127.0.0.1:1 .*does not answer/,
    );
  });
});
