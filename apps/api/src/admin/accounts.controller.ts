import { Controller, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { createAccountSchema } from '@parley/contracts';
import type { AdminStore, Moving } from '@parley/persistence';
import { readJsonBody } from '../http/json-body';
import { bodyOf } from '../http/raw-request';
import { operatorOf, type OperatorRequest } from './bearer';
import { refusing } from './refusals';
import { MOVING } from '../regions/tokens';
import { laggingIn } from '../v1/lagging';
import { ADMIN_STORE } from './tokens';
import { accountView } from './views';

@Controller('v1/admin/accounts')
export class AccountsController {
  constructor(
    @Inject(ADMIN_STORE) private readonly store: AdminStore,
    @Inject(MOVING) private readonly moving: Moving,
  ) {}

  @Get()
  async list() {
    return { accounts: (await this.store.accounts.list()).map(accountView) };
  }

  @Post()
  async create(@Req() request: OperatorRequest) {
    const { authId, ...input } = readJsonBody(bodyOf(request), createAccountSchema);
    const account = { ...input, ...(authId === undefined ? {} : { authId }) };
    const created = await refusing(this.store.accounts.create(operatorOf(request), account));
    return { ...accountView(created), secret: created.secret };
  }

  @Post(':slug/rotate-secret')
  @HttpCode(200)
  async rotateSecret(@Req() request: OperatorRequest, @Param('slug') slug: string) {
    const { secret } = await refusing(this.store.accounts.rotateSecret(operatorOf(request), slug));
    const { rotating, regions } = await refusing(this.moving.accounts.tell({ slug }));
    return { secret, accepted: !rotating, lagging: rotating ? laggingIn(regions) : [] };
  }

  @Post(':slug/disable')
  @HttpCode(200)
  async disable(@Req() request: OperatorRequest, @Param('slug') slug: string) {
    return accountView(await refusing(this.store.accounts.disable(operatorOf(request), slug)));
  }
}
