import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { createAccountKeySchema } from '@parley/contracts';
import type { AdminStore } from '@parley/persistence';
import { readJsonBody } from '../http/json-body';
import { bodyOf } from '../http/raw-request';
import { accountKeyView } from '../v1/views';
import { operatorOf, type OperatorRequest } from './bearer';
import { refusing } from './refusals';
import { ADMIN_STORE } from './tokens';

@Controller('v1/admin/accounts/:slug/keys')
export class KeysOfAccountsController {
  constructor(@Inject(ADMIN_STORE) private readonly store: AdminStore) {}

  @Get()
  async list(@Param('slug') slug: string) {
    return { keys: (await refusing(this.store.accountKeys.list(slug))).map(accountKeyView) };
  }

  @Post()
  async create(@Req() request: OperatorRequest, @Param('slug') slug: string) {
    const { name } = readJsonBody(bodyOf(request), createAccountKeySchema);
    const created = await refusing(this.store.accountKeys.create(operatorOf(request), slug, name));
    return { ...accountKeyView(created), key: created.key };
  }

  @Delete(':id')
  @HttpCode(204)
  async revoke(@Req() request: OperatorRequest, @Param('slug') slug: string, @Param('id') id: string): Promise<void> {
    await refusing(this.store.accountKeys.revoke(operatorOf(request), slug, id));
  }
}
