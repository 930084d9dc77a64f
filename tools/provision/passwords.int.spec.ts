import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedisServer, startThrowAwayPostgres } from '@parley/tools/provision';
import Redis from 'ioredis';
import pg from 'pg';

/** The url with this password in place of its own; undefined: without any. */
function withPassword(url: string, password: string | undefined): string {
  return Object.assign(new URL(url), { password: password ?? '' }).toString();
}

describe('the private servers of a start demand their password over TCP', () => {
  it('Redis: of everybody, and no process list shows it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-redis-password-'));
    const password = 'a-password-of-the-tests';
    const server = await startRedisServer({ dir: folder, logFile: join(folder, 'log'), password });
    const ask = async (url: string) => {
      const client = new Redis(url, { retryStrategy: null, maxRetriesPerRequest: 0, enableReadyCheck: false });
      client.on('error', () => undefined);
      return client.ping().finally(() => client.disconnect());
    };
    try {
      expect(new URL(server.url).password).toBe(password);
      expect(await ask(server.url)).toBe('PONG');
      await expect(ask(withPassword(server.url, undefined))).rejects.toThrow(/NOAUTH/);
      await expect(ask(withPassword(server.url, 'wrong'))).rejects.toThrow(/WRONGPASS|NOAUTH/);
      const shown = execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(server.pid)], { encoding: 'utf8' });
      expect(shown).toContain(String(server.port));
      expect(shown).not.toContain(password);
    } finally {
      await server.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it('PostgreSQL: of everybody', async () => {
    const server = await startThrowAwayPostgres();
    const ask = async (url: string) => {
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => undefined);
      await client.connect().finally(() => client.end().catch(() => undefined));
    };
    try {
      await ask(server.url);
      await expect(ask(withPassword(server.url, 'wrong'))).rejects.toThrow(/password authentication failed/);
      await expect(ask(withPassword(server.url, undefined))).rejects.toThrow(/password/);
    } finally {
      await server.close();
    }
  });
});
