import { type AdminStore, type Database, seedOperatorKey } from '@parley/persistence';
import { type Background, every, type ServiceKit } from '@parley/server-kit';

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
 * Stores the operator's first key, unless it was ever there. A database that does not answer is asked again until it
 * does: a service that comes up before its database, or on a busy machine, is late and does not end.
 * @returns when it was tried once; closing it gives up
 */
export async function ensureBootstrapKey(key: string, needs: BootstrapNeeds): Promise<Background> {
  const { database, keys, logger, health } = needs;
  let stored = false;
  health.register('bootstrap-key', async () => {
    if (!stored) throw new Error('not stored yet');
  });
  const attempt = async () => {
    await seedOperatorKey(database, key);
    if ((await keys.verify(key)) === null) {
      logger.warn('PARLEY_ADMIN_BOOTSTRAP_KEY is not valid: another key named bootstrap was stored, or it was revoked');
    }
    stored = true;
  };
  await attempt().catch((error: unknown) => {
    logger.warn({ err: error }, 'the bootstrap key could not be stored; it is tried again every second');
  });
  const loop = every(
    'store the bootstrap key',
    TRY_AGAIN_MS,
    async () => {
      if (!stored) await attempt().catch((error: unknown) => logger.debug({ err: error }, 'still not stored'));
      if (stored) void loop.close();
    },
    logger,
  );
  return loop;
}
