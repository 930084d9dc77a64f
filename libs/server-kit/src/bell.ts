import { Cluster, type Redis } from 'ioredis';

/** A channel on which nothing is said but "look": what there is to see stands in PostgreSQL. */
export type BellChannel = `parley:${string}`;

/** On a cluster the channel is a sharded one, so that the call does not travel to every node. */
export async function ringBell(client: Redis | Cluster, channel: BellChannel): Promise<void> {
  if (client instanceof Cluster) await client.spublish(channel, '');
  else await client.publish(channel, '');
}

/**
 * Resolves once it is subscribed.
 * @param client a connection of the role `subscriber` for this bell alone; it subscribes again by itself after an outage
 */
export async function hearBell(client: Redis | Cluster, channel: BellChannel, heard: () => void): Promise<void> {
  if (client instanceof Cluster) {
    client.on('smessage', heard);
    await client.ssubscribe(channel);
  } else {
    client.on('message', heard);
    await client.subscribe(channel);
  }
}
