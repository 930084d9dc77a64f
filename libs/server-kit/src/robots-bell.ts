import type { Cluster, Redis } from 'ioredis';
import { hearBell, ringBell } from './bell';

/** What is said here means nothing but "look what there is for robots, and which there are": both stand in PostgreSQL. */
const CHANNEL = 'parley:robots';

/** Tells all gateways of the region that robots have something to do, or changed. Losing it only costs time. */
export function ringRobotsBell(client: Redis | Cluster): Promise<void> {
  return ringBell(client, CHANNEL);
}

/**
 * Hears {@link ringRobotsBell}, and calls also after every interruption, when one may have been missed. Resolves once it is
 * subscribed.
 * @param client a connection of the role `subscriber`, which subscribes again by itself after an outage
 */
export function hearRobotsBell(client: Redis | Cluster, heard: () => void): Promise<void> {
  client.on('ready', heard);
  return hearBell(client, CHANNEL, heard);
}
