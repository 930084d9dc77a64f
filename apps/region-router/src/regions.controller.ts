import { Controller, Get, Header, HttpCode, ServiceUnavailableException } from '@nestjs/common';
import type { RegionInfo } from '@parley/contracts';
import { RegionStatus } from './region-status';

/** What a client needs to choose a region. Served before any authentication. */
@Controller()
export class RegionsController {
  constructor(private readonly status: RegionStatus) {}

  @Get('regions')
  @Header('cache-control', 'public, max-age=300')
  @Header('access-control-allow-origin', '*')
  regions(): readonly RegionInfo[] {
    return this.status.regions();
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

  /** For a global load balancer: withdraws the region while nothing in it serves. */
  @Get('health/region')
  @Header('cache-control', 'no-store')
  region(): { readonly status: 'up' } {
    if (!this.status.ownIsUp) throw new ServiceUnavailableException();
    return { status: 'up' };
  }
}
