import type { Clock, RegionId } from '@parley/domain';
import type { Live } from '@parley/live';
import { RobotDeliveryStore, type Database } from '@parley/persistence';
import { createRedis, createRobotTicketVerifier, hearRobotsBell, type Logger, type Metrics } from '@parley/server-kit';
import type { Signpost } from '../spreed/signpost';
import { RobotDesk, ROBOT_TIMES, type RobotTimes } from './robot-desk';
import { RobotRoll } from './robot-roll';

export interface RobotsOptions {
  readonly region: RegionId;
  readonly signpost: Signpost;
  readonly redisUrl: string;
  readonly ticketPublicKeys: readonly string[];
  readonly database: Database;
  readonly live: Live;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly times?: Partial<RobotTimes> | undefined;
}

/** What a replica knows of robots. */
export interface Robots {
  readonly roll: RobotRoll;
  readonly desk: RobotDesk;
  close(): Promise<void>;
}

/** Connects them; the bell heals by itself, and until it is heard the desk looks by the clock. */
export function openRobots(options: RobotsOptions): Robots {
  const { region, signpost, redisUrl, ticketPublicKeys, database, live, clock, metrics, logger } = options;
  const times = { ...ROBOT_TIMES, ...options.times };
  const roll = new RobotRoll({
    region,
    signpost,
    tickets: createRobotTicketVerifier({ publicKeys: ticketPublicKeys, region }),
    robots: database.stores.robots,
    guards: live.guards,
    clock,
  });
  const desk = new RobotDesk({
    deliveries: new RobotDeliveryStore(database.prisma, times.ackMs),
    roll,
    sessions: live.sessions,
    secretsOf: async (id) => {
      const room = await database.stores.rooms.findById(id);
      return { password: room?.password ?? null, hostKey: room?.hostKey ?? null };
    },
    sealer: database.sealer,
    times,
    metrics,
    logger,
  });
  const subscriber = createRedis(redisUrl, 'subscriber', logger);
  hearRobotsBell(subscriber, () => desk.wake()).catch((error: unknown) => {
    logger.warn({ reason: String(error) }, 'the bell of robots is not heard; the desk looks by the clock');
  });
  return {
    roll,
    desk,
    close: async () => {
      subscriber.disconnect();
      await desk.close();
    },
  };
}
