import type { Cluster, Redis } from 'ioredis';
import { hearBell, ringBell } from './bell';

/** What is said here means nothing but "forget what you know of backends": the backends stand in PostgreSQL. */
const CHANNEL = 'parley:backends';

/** Tells all gateways of the region that a backend was added or removed. */
export function ringBackendBell(client: Redis | Cluster): Promise<void> {
  return ringBell(client, CHANNEL);
}

/**
 * Hears {@link ringBackendBell}, and calls also after every interruption, when one may have been missed. Resolves once it
 * is subscribed.
 * @param client a connection of the role `subscriber`, which subscribes again by itself after an outage
 */
export function hearBackendBell(client: Redis | Cluster, heard: () => void): Promise<void> {
  client.on('ready', heard);
  return hearBell(client, CHANNEL, heard);
}
