import { Controller, Delete, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import { createAccountKeySchema } from '@parley/contracts';
import { type AccountKeyId, AccountKeyService, brandAs } from '@parley/domain';
import { readJsonBody } from '../http/json-body';
import { bodyOf } from '../http/raw-request';
import { type AccountRequest, signedAccountOf } from './account-guard';
import { accountKeyView } from './views';

@Controller('v1/keys')
export class AccountKeysController {
  constructor(private readonly keys: AccountKeyService) {}

  @Get()
  async list(@Req() request: AccountRequest) {
    return { keys: (await this.keys.list(signedAccountOf(request))).map(accountKeyView) };
  }

  @Post()
  async create(@Req() request: AccountRequest) {
    const account = signedAccountOf(request);
    const created = await this.keys.create(account, readJsonBody(bodyOf(request), createAccountKeySchema).name);
    return { ...accountKeyView(created), key: created.key };
  }

  @Delete(':id')
  @HttpCode(204)
  async revoke(@Req() request: AccountRequest, @Param('id') id: string): Promise<void> {
    await this.keys.revoke(signedAccountOf(request), brandAs<AccountKeyId>(id));
  }
}
