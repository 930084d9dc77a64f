import { Controller, Options, Post, Req, Res } from '@nestjs/common';
import { joinRequestSchema } from '@parley/contracts';
import { ClientAddresses } from '@parley/server-kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readJsonBody } from '../http/json-body';
import { bodyOf, callerOf } from '../http/raw-request';
import { JoinService } from './join.service';
import { NearestRegions } from './nearest-regions';

/** Pages of any origin may ask for a ticket: it is the room's rules that decide, and no cookie is looked at. */
export const JOIN_CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'retry-after, x-request-id',
} as const;

const PREFLIGHT = {
  'access-control-allow-methods': 'POST',
  'access-control-allow-headers': 'content-type, x-request-id',
  'access-control-max-age': '86400',
} as const;

@Controller('join')
export class JoinController {
  constructor(
    private readonly joins: JoinService,
    private readonly nearest: NearestRegions,
    private readonly clients: ClientAddresses,
  ) {}

  @Options()
  preflight(@Res() reply: FastifyReply): void {
    void reply.code(204).headers(PREFLIGHT).send();
  }

  @Post()
  async join(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = readJsonBody(bodyOf(request), joinRequestSchema);
    const answer = await this.joins.join(body, callerOf(request, this.clients));
    this.nearest.note(request.query);
    void reply.code(200).header('cache-control', 'no-store').send(answer);
  }
}
