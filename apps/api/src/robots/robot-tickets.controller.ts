import { Controller, Header, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ClientAddresses } from '@parley/server-kit';
import type { FastifyRequest } from 'fastify';
import { callerOf } from '../http/raw-request';
import { robotIdOf } from './robot-id';
import { RobotTicketService } from './robot-tickets.service';

/** Called by robots, which know no secret of their account. */
@Controller('v1/robots/:id/tickets')
export class RobotTicketsController {
  constructor(
    private readonly tickets: RobotTicketService,
    private readonly clients: ClientAddresses,
  ) {}

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async issue(@Req() request: FastifyRequest, @Param('id') id: string) {
    return this.tickets.issue(robotIdOf(id), request.headers.authorization, callerOf(request, this.clients));
  }
}
