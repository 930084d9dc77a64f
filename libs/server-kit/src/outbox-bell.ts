import { Cluster, type Redis } from 'ioredis';

/** What is said here means nothing but "look": the events themselves stand in PostgreSQL. */
const CHANNEL = 'parley:outbox';

/**
 * Tells the outbox relays of the region that an event was committed. Losing it only costs time: they poll as well.
 * On a cluster the channel is a sharded one, so that the call does not travel to every node.
 */
export async function ringOutboxBell(client: Redis | Cluster): Promise<void> {
  if (client instanceof Cluster) await client.spublish(CHANNEL, '');
  else await client.publish(CHANNEL, '');
}

/**
 * Hears {@link ringOutboxBell}; resolves once it is subscribed.
 * @param client a connection of the role `subscriber`, which subscribes again by itself after an outage
 */
export async function hearOutboxBell(client: Redis | Cluster, heard: () => void): Promise<void> {
  if (client instanceof Cluster) {
    client.on('smessage', heard);
    await client.ssubscribe(CHANNEL);
  } else {
    client.on('message', heard);
    await client.subscribe(CHANNEL);
  }
}
