import { createRedis, type Logger } from '@parley/server-kit';
import { Cluster } from 'ioredis';

/** Whoever commits an outbox event publishes anything here afterwards; with SPUBLISH where Redis is a cluster. */
export const OUTBOX_CHANNEL = 'parley:outbox';

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
  const subscribed = subscribe(client, wake).catch((error: unknown) => {
    logger.warn({ err: error }, 'no wake-ups from the outbox; polling only');
  });
  return {
    async close() {
      client.disconnect();
      await subscribed;
    },
  };
}

async function subscribe(client: ReturnType<typeof createRedis>, wake: () => void): Promise<void> {
  if (client instanceof Cluster) {
    client.on('smessage', wake);
    await client.ssubscribe(OUTBOX_CHANNEL);
  } else {
    client.on('message', wake);
    await client.subscribe(OUTBOX_CHANNEL);
  }
}
