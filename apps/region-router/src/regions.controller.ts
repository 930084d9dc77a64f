import { Controller, Get, Header, HttpCode, Req, Res } from '@nestjs/common';
import { regionsQuerySchema } from '@parley/contracts';
import { brandAs, parseMeasured, type RegionId } from '@parley/domain';
import { ClientAddresses } from '@parley/server-kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { placeOf } from './nearness/caller-place';
import { Countries } from './nearness/countries';
import { RegionStatus } from './region-status';

/** How long an answer may be used, in seconds: a region that comes back is to be seen soon. */
const FRESH = { calm: 300, incident: 5 } as const;

/** What a client needs to choose a region. Served before any authentication. */
@Controller()
export class RegionsController {
  constructor(
    private readonly status: RegionStatus,
    private readonly countries: Countries,
    private readonly clients: ClientAddresses,
  ) {}

  /** Ordered for who asks, so no cache may give it to somebody else. */
  @Get(['v1/regions', 'regions'])
  @Header('access-control-allow-origin', '*')
  regions(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const regions = this.status.regions(placeOf(request.raw, this.clients, this.countries), wishOf(request.query));
    const calm = regions.every(({ status, state }) => status === 'up' && state === 'serving');
    const seconds = calm ? FRESH.calm : FRESH.incident;
    void reply.header('cache-control', `private, max-age=${seconds}`).send(regions);
  }

  /** For measuring the way here. */
  @Get('ping')
  @HttpCode(204)
  @Header('cache-control', 'no-store')
  @Header('access-control-allow-origin', '*')
  @Header('timing-allow-origin', '*')
  ping(): void {
    // The headers are the answer.
  }

  /**
   * For a global load balancer: 503 withdraws the region, while nothing in it serves or it is draining. Other regions read
   * which of the two it is.
   */
  @Get('health/region')
  region(@Res() reply: FastifyReply): void {
    const status = this.status.own;
    void reply
      .code(status === 'up' ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ status });
  }
}

/** What cannot be read is not said: nobody is left without a list for it. */
function wishOf(query: unknown) {
  const { data } = regionsQuerySchema.safeParse(query);
  return {
    ...(data?.asked === undefined
      ? {}
      : { asked: data.asked.split(',', 64).map((id) => brandAs<RegionId>(id.trim())) }),
    ...(data?.measured === undefined ? {} : { measured: parseMeasured(data.measured) }),
  };
}
