import { Controller, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { giveAccountSchema } from '@parley/contracts';
import { brandAs, type RegionId } from '@parley/domain';
import type { Moving } from '@parley/persistence';
import { readJsonBody } from '../http/json-body';
import { bodyOf } from '../http/raw-request';
import { MOVING } from '../regions/tokens';
import type { OperatorRequest } from './bearer';
import { refusing } from './refusals';

/** In which regions an account is known: those where it has, or is to have, domains. */
@Controller('v1/admin/accounts/:slug/regions')
export class AccountRegionsController {
  constructor(@Inject(MOVING) private readonly moving: Moving) {}

  @Get()
  list(@Param('slug') slug: string) {
    return refusing(this.moving.accounts.spread({ slug }));
  }

  @Post()
  @HttpCode(200)
  async give(@Req() request: OperatorRequest, @Param('slug') slug: string) {
    const { region } = readJsonBody(bodyOf(request), giveAccountSchema);
    await refusing(this.moving.accounts.giveTo(slug, brandAs<RegionId>(region)));
    return refusing(this.moving.accounts.spread({ slug }));
  }
}
