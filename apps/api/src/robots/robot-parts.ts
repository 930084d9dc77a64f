import type { Provider, Type } from '@nestjs/common';
import { brandAs, cryptoIds, type RegionId, RobotService } from '@parley/domain';
import { createRobotTicketIssuer } from '@parley/server-kit';
import type { ApiConfig } from '../config';
import { type Machines, SYSTEM_CLOCK } from '../machines';
import { CallThrottle } from '../xroom/call-throttle';
import { RobotTicketsController } from './robot-tickets.controller';
import { RobotTicketService } from './robot-tickets.service';
import { RobotsController } from './robots.controller';

/** For accounts. */
export const ROBOT_CONTROLLERS: readonly Type[] = [RobotsController];

/** For robots, who prove themselves. */
export const OPEN_ROBOT_CONTROLLERS: readonly Type[] = [RobotTicketsController];

/** Puts what is about robots together. */
export function robotProviders(config: ApiConfig, { database, live, ringRobots }: Machines): readonly Provider[] {
  const authUrl = `${config.PUBLIC_URL}/tickets`;
  const tickets = new RobotTicketService({
    robots: database.stores.robots,
    throttle: new CallThrottle(live.guards, {
      callsPerMinute: config.API_CALLS_PER_MINUTE,
      failuresPerMinute: config.API_FAILURES_PER_MINUTE_PER_ADDRESS,
    }),
    guards: live.guards,
    tickets: createRobotTicketIssuer({ privateKey: config.PARLEY_TICKET_PRIVATE_KEY, issuer: authUrl }),
    ids: cryptoIds,
    clock: SYSTEM_CLOCK,
    settings: {
      region: brandAs<RegionId>(config.PARLEY_REGION),
      authUrl,
      signalingUrl: `${config.SIGNALING_PUBLIC_URL}/spreed`,
    },
  });
  return [
    { provide: RobotService, useValue: new RobotService(database.uow, SYSTEM_CLOCK, cryptoIds, ringRobots) },
    { provide: RobotTicketService, useValue: tickets },
  ];
}
