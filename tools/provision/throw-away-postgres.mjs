import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgresServer } from './postgres.mjs';
import { startUndertaker } from './undertaker.mjs';

/**
 * Starts an empty PostgreSQL in a temporary folder. It ends, and the folder goes, with `close` or with this process.
 * `folder` is that folder, `undertaker` what cleans it up.
 * @param {{durable?: boolean}} [options] durable: commits wait for the disk, as where the data matters; for measuring
 */
export async function startThrowAwayPostgres({ durable = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'parley-test-'));
  // The account that runs PostgreSQL for root must be able to walk through it.
  chmodSync(folder, 0o711);
  const undertaker = startUndertaker();
  undertaker.removeFolder(folder);
  const server = await startPostgresServer({
    folder: join(folder, 'postgres'),
    logFile: join(folder, 'postgres.log'),
    password: randomBytes(12).toString('hex'),
    throwAway: !durable,
  });
  undertaker.watch(server.pid, 'SIGINT');
  return {
    url: server.url,
    pid: server.pid,
    folder,
    undertaker,
    close: async () => {
      await server.stop();
      undertaker.forget(server.pid);
      await undertaker.close();
    },
  };
}
