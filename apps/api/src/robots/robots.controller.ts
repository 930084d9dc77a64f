import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { createRobotSchema, type RobotView, robotsQuerySchema } from '@parley/contracts';
import { type NewRobot, type Robot, RobotService } from '@parley/domain';
import type { Moving } from '@parley/persistence';
import type { FastifyReply } from 'fastify';
import { readJsonBody } from '../http/json-body';
import { readQuery } from '../http/query';
import { bodyOf } from '../http/raw-request';
import { MOVING } from '../regions/tokens';
import { type AccountRequest, accountOf } from '../v1/account-guard';
import { domainOf } from '../v1/params';
import { robotIdOf } from './robot-id';

/** For routers, which know accounts by their auth id and not by their keys: all regions that are to be asked. */
const ACCOUNT_REGIONS_HEADER = 'x-parley-account-regions';

@Controller('v1/robots')
export class RobotsController {
  constructor(
    private readonly robots: RobotService,
    @Inject(MOVING) private readonly moving: Pick<Moving, 'accounts'>,
  ) {}

  @Get()
  async list(@Req() request: AccountRequest, @Res({ passthrough: true }) reply: FastifyReply, @Query() query: unknown) {
    const { domain } = readQuery(query, robotsQuerySchema);
    if (domain === undefined && request.caller?.by === 'key') {
      const regions = await this.moving.accounts.regionsOf(accountOf(request));
      if (regions.length > 1) void reply.header(ACCOUNT_REGIONS_HEADER, regions.join(', '));
    }
    const robots = await this.robots.list(accountOf(request), domain === undefined ? undefined : domainOf(domain));
    return { robots: robots.map(robotView) };
  }

  @Post()
  async create(@Req() request: AccountRequest) {
    const { domain, name } = readJsonBody(bodyOf(request), createRobotSchema);
    return newRobotView(await this.robots.create(accountOf(request), { domain: domainOf(domain), name }));
  }

  @Get(':id')
  async get(@Req() request: AccountRequest, @Param('id') id: string) {
    return robotView(await this.robots.get(accountOf(request), robotIdOf(id)));
  }

  @Delete(':id')
  @HttpCode(204)
  async remove(@Req() request: AccountRequest, @Param('id') id: string): Promise<void> {
    await this.robots.remove(accountOf(request), robotIdOf(id));
  }

  /** Another connect key; the one of before is void at once. */
  @Post(':id/connect-key')
  @HttpCode(200)
  async replaceKey(@Req() request: AccountRequest, @Param('id') id: string) {
    return newRobotView(await this.robots.replaceKey(accountOf(request), robotIdOf(id)));
  }
}

function robotView({ id, domain, name, createdAt }: Robot): RobotView {
  return { robotId: id, domain, name, createdAt: createdAt.toISOString() };
}

function newRobotView({ robot, connectKey }: NewRobot) {
  return { ...robotView(robot), connectKey };
}
