import { All, Controller, Req, Res } from '@nestjs/common';
import { ClientAddresses } from '@parley/server-kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerOf, rawRequest } from '../http/raw-request';
import { sendEnvelope } from './send-envelope';
import { XroomEndpoint } from './xroom.endpoint';

@Controller()
export class XroomController {
  constructor(
    private readonly endpoint: XroomEndpoint,
    private readonly clients: ClientAddresses,
  ) {}

  @All(['api', 'api/*'])
  async call(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    sendEnvelope(reply, await this.endpoint.handle(rawRequest(request), callerOf(request, this.clients)));
  }
}
