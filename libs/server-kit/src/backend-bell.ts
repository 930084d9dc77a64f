import { Cluster, type Redis } from 'ioredis';

/** What is said here means nothing but "forget what you know of backends": the backends stand in PostgreSQL. */
const CHANNEL = 'parley:backends';

/** Tells all gateways of the region that a backend was added or removed. */
export async function ringBackendBell(client: Redis | Cluster): Promise<void> {
  if (client instanceof Cluster) await client.spublish(CHANNEL, '');
  else await client.publish(CHANNEL, '');
}

/**
 * Hears {@link ringBackendBell}, and calls also after every interruption, when one may have been missed. Resolves once it
 * is subscribed.
 * @param client a connection of the role `subscriber`, which subscribes again by itself after an outage
 */
export async function hearBackendBell(client: Redis | Cluster, heard: () => void): Promise<void> {
  client.on('ready', heard);
  if (client instanceof Cluster) {
    client.on('smessage', heard);
    await client.ssubscribe(CHANNEL);
  } else {
    client.on('message', heard);
    await client.subscribe(CHANNEL);
  }
}
