import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { moveDomainSchema, type MovePlanView, type MoveStatusView, planMoveSchema } from '@parley/contracts';
import { brandAs, type RegionId } from '@parley/domain';
import type { MoveStatus, Moving } from '@parley/persistence';
import { readJsonBody } from '../http/json-body';
import { bodyOf } from '../http/raw-request';
import { MOVING } from '../regions/tokens';
import { operatorOf, type OperatorRequest } from './bearer';
import { knownDomain } from './known-domain';
import { refusing } from './refusals';
import { BACKEND_FOLLOW_UP, type BackendFollowUp } from './tokens';

/** Moving a domain from this region to another one. Each POST is one step, so whoever moves it sees how far it is. */
@Controller('v1/admin/domains/:name/move')
export class MovesController {
  constructor(
    @Inject(MOVING) private readonly moving: Moving,
    @Inject(BACKEND_FOLLOW_UP) private readonly followUp: BackendFollowUp,
  ) {}

  @Post('plan')
  @HttpCode(200)
  async plan(@Req() request: OperatorRequest, @Param('name') name: string): Promise<MovePlanView> {
    const { to } = readJsonBody(bodyOf(request), planMoveSchema);
    const plan = await refusing(this.moving.moves.plan(knownDomain(name), brandAs<RegionId>(to)));
    return { ...plan, rows: { ...plan.rows }, obstacles: [...plan.obstacles] };
  }

  @Post()
  @HttpCode(200)
  async step(@Req() request: OperatorRequest, @Param('name') name: string): Promise<MoveStatusView> {
    const { to, closeRooms } = readJsonBody(bodyOf(request), moveDomainSchema);
    const wish = { to: brandAs<RegionId>(to), closeRooms };
    const status = await refusing(this.moving.moves.step(operatorOf(request), knownDomain(name), wish));
    // Its backends left with it.
    if (status.phase === 'done') await this.followUp.changed();
    return statusView(status);
  }

  @Get()
  async status(@Param('name') name: string): Promise<MoveStatusView> {
    return statusView(await refusing(this.moving.moves.status(knownDomain(name))));
  }

  @Delete()
  @HttpCode(204)
  async cancel(@Req() request: OperatorRequest, @Param('name') name: string): Promise<void> {
    await refusing(this.moving.moves.cancel(operatorOf(request), knownDomain(name)));
  }
}

function statusView({ startedAt, finishedAt, ...rest }: MoveStatus): MoveStatusView {
  return { ...rest, startedAt: startedAt.toISOString(), finishedAt: finishedAt?.toISOString() ?? null };
}
