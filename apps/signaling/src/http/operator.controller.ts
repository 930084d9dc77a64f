import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { CLIENT_FEATURES } from '@parley/protocol-spreed-signaling';
import { ClientAddresses, Metrics } from '@parley/server-kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Census } from '../spreed/census';
import { ADDRESS_OF, type AddressOf } from './backend-room.controller';
import { sendJson, sendText } from './plain-answers';
import { SERVER_VERSION } from './welcome.controller';

/** Injection token of the {@link ClientAddresses} that may look. */
export const OBSERVERS = Symbol('parley.signaling.observers');

/** What operators look at, from the addresses they named: `/api/v1/stats`, `/api/v1/serverinfo`, `/metrics`. */
@Controller()
export class OperatorController {
  constructor(
    private readonly census: Census,
    private readonly metrics: Metrics,
    @Inject(SERVER_VERSION) private readonly version: string,
    @Inject(OBSERVERS) private readonly observers: ClientAddresses,
    @Inject(ADDRESS_OF) private readonly addressOf: AddressOf,
  ) {}

  /** Rooms and sessions of all replicas. */
  @Get('api/v1/stats')
  async stats(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!this.mayLook(request, reply)) return;
    const { rooms, sessions } = await this.census.everywhere();
    sendJson(reply, { rooms, sessions });
  }

  @Get('api/v1/serverinfo')
  serverInfo(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    if (this.mayLook(request, reply)) sendJson(reply, { version: this.version, features: CLIENT_FEATURES });
  }

  @Get('metrics')
  async figures(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!this.mayLook(request, reply)) return;
    this.census.collect();
    const { registry } = this.metrics;
    const text = await registry.metrics();
    void reply.header('content-type', registry.contentType).send(text);
  }

  private mayLook({ raw }: FastifyRequest, reply: FastifyReply): boolean {
    if (this.observers.isTrusted(this.addressOf(raw))) return true;
    sendText(reply, 403, 'Authentication check failed');
    return false;
  }
}
