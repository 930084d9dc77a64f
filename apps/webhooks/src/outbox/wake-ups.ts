import { createRedis, hearOutboxBell, type Logger } from '@parley/server-kit';

/** A subscription that can be ended. */
export interface WakeUps {
  close(): Promise<void>;
}

/**
 * Listens for committed outbox events. Messages carry nothing and may be lost; the relay polls as well. The client
 * subscribes again by itself after an outage, and a wake-up follows each (re)connection, for what was missed meanwhile.
 */
export function listenForOutbox(redisUrl: string, logger: Pick<Logger, 'warn' | 'info'>, wake: () => void): WakeUps {
  const client = createRedis(redisUrl, 'subscriber', logger);
  client.on('ready', wake);
  const subscribed = hearOutboxBell(client, wake).catch((error: unknown) => {
    logger.warn({ err: error }, 'no wake-ups from the outbox; polling only');
  });
  return {
    async close() {
      client.disconnect();
      await subscribed;
    },
  };
}
