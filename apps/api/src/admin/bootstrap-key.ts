import { setTimeout as pause } from 'node:timers/promises';
import { type AdminStore, type Database, seedOperatorKey } from '@parley/persistence';
import type { Background, ServiceKit } from '@parley/server-kit';

const TRY_AGAIN_MS = 1_000;

/** What storing the key needs. */
export interface BootstrapNeeds {
  readonly database: Database;
  readonly keys: AdminStore['keys'];
  readonly logger: ServiceKit['logger'];
  /** Not ready before the key is stored: whoever waits for readiness uses it next. */
  readonly health: ServiceKit['health'];
}

/**
 * Stores the operator's first key, unless it was ever there: in the background, again every second until it worked. A service
 * that comes up before its database, or on a busy machine, is late and does not end. Closing it gives up.
 */
export function ensureBootstrapKey(key: string, needs: BootstrapNeeds): Background {
  const { database, keys, logger, health } = needs;
  const stop = new AbortController();
  let trouble: Error | undefined = new Error('not stored yet');
  health.register('bootstrap-key', async () => {
    if (trouble !== undefined) throw trouble;
  });
  const attempt = async () => {
    await seedOperatorKey(database, key);
    if ((await keys.verify(key)) === null) {
      logger.warn('PARLEY_ADMIN_BOOTSTRAP_KEY is not valid: another key named bootstrap was stored, or it was revoked');
    }
    trouble = undefined;
  };
  const failed = (error: unknown) => {
    const before = trouble?.message;
    trouble = error instanceof Error ? error : new Error(String(error));
    // Once for each reason: one that does not heal by itself is to be seen.
    if (!stop.signal.aborted && trouble.message !== before) {
      logger.warn({ err: error }, 'the bootstrap key could not be stored; it is tried again every second');
    }
  };
  const run = async () => {
    while (trouble !== undefined && !stop.signal.aborted) {
      await attempt().catch(failed);
      if (trouble !== undefined) await pause(TRY_AGAIN_MS, undefined, stop).catch(() => undefined);
    }
  };
  void run();
  // Not waited for: it may hang on a database that says nothing, and ends with the connection.
  return { close: async () => stop.abort() };
}
