import { Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { createRobotSchema, type RobotView, robotsQuerySchema } from '@parley/contracts';
import { type NewRobot, type Robot, RobotService } from '@parley/domain';
import { readJsonBody } from '../http/json-body';
import { readQuery } from '../http/query';
import { bodyOf } from '../http/raw-request';
import { type AccountRequest, accountOf } from '../v1/account-guard';
import { domainOf } from '../v1/params';
import { robotIdOf } from './robot-id';

@Controller('v1/robots')
export class RobotsController {
  constructor(private readonly robots: RobotService) {}

  @Get()
  async list(@Req() request: AccountRequest, @Query() query: unknown) {
    const { domain } = readQuery(query, robotsQuerySchema);
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
