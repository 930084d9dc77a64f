import type { Cluster, Redis } from 'ioredis';
import { hearBell, ringBell } from './bell';

/** What is said here means nothing but "look": the events themselves stand in PostgreSQL. */
const CHANNEL = 'parley:outbox';

/** Tells the outbox relays of the region that an event was committed. Losing it only costs time: they poll as well. */
export function ringOutboxBell(client: Redis | Cluster): Promise<void> {
  return ringBell(client, CHANNEL);
}

/**
 * Hears {@link ringOutboxBell}; resolves once it is subscribed.
 * @param client a connection of the role `subscriber`, which subscribes again by itself after an outage
 */
export function hearOutboxBell(client: Redis | Cluster, heard: () => void): Promise<void> {
  return hearBell(client, CHANNEL, heard);
}
