import {
  createdRobotSchema,
  createRobotSchema,
  robotListSchema,
  robotSchema,
  robotsQuerySchema,
  robotTicketSchema,
} from '@parley/contracts';
import type { Operation } from './operation';

/** The calls about robots, and the one that robots make. */
export const ROBOT_OPERATIONS: readonly Operation[] = [
  {
    id: 'listRobots',
    call: 'GET /v1/robots',
    summary: 'The robots of a domain or of the account',
    query: robotsQuerySchema,
    answer: robotListSchema,
    caller: 'account',
  },
  {
    id: 'createRobot',
    call: 'POST /v1/robots',
    summary: 'Make a robot, to be told over a connection what webhooks of type `robot` listen to',
    body: createRobotSchema,
    answer: createdRobotSchema,
    status: 201,
    caller: 'account',
  },
  { id: 'getRobot', call: 'GET /v1/robots/{id}', summary: 'One robot', answer: robotSchema, caller: 'account' },
  {
    id: 'deleteRobot',
    call: 'DELETE /v1/robots/{id}',
    summary: 'Remove a robot with its webhooks; it is thrown out',
    caller: 'account',
  },
  {
    id: 'replaceConnectKey',
    call: 'POST /v1/robots/{id}/connect-key',
    summary: 'Give a robot another connect key; whoever came in with the one of before is thrown out',
    answer: createdRobotSchema,
    caller: 'account',
  },
  {
    id: 'createRobotTicket',
    call: 'POST /v1/robots/{id}/tickets',
    summary: 'Ask for a ticket to the gateway, as a robot',
    answer: robotTicketSchema,
    caller: 'robot',
  },
];
