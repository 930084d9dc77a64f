import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { createAccountKeySchema } from '@parley/contracts';
import { type AccountId, type AccountKeyId, AccountKeyService, brandAs } from '@parley/domain';
import type { Moving } from '@parley/persistence';
import type { FastifyReply } from 'fastify';
import { REFUSAL_HEADER, REFUSED_REGION_HEADER } from '../home/home-check';
import { readJsonBody } from '../http/json-body';
import { bodyOf } from '../http/raw-request';
import { MOVING } from '../regions/tokens';
import { type AccountRequest, signedAccountOf } from './account-guard';
import { LAGGING_HEADER, laggingIn } from './lagging';
import { accountKeyView } from './views';

/** Keys are managed in the region that made the account; routers are told which one that is. */
@Controller('v1/keys')
export class AccountKeysController {
  constructor(
    private readonly keys: AccountKeyService,
    @Inject(MOVING) private readonly moving: Moving,
  ) {}

  @Get()
  async list(@Req() request: AccountRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    return { keys: (await this.keys.list(this.accountOf(request, reply))).map(accountKeyView) };
  }

  @Post()
  async create(@Req() request: AccountRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    const account = this.accountOf(request, reply);
    const created = await this.keys.create(account, readJsonBody(bodyOf(request), createAccountKeySchema).name);
    return { ...accountKeyView(created), key: created.key, lagging: await this.tell(account) };
  }

  @Delete(':id')
  @HttpCode(204)
  async revoke(
    @Req() request: AccountRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Param('id') id: string,
  ): Promise<void> {
    const account = this.accountOf(request, reply);
    await this.keys.revoke(account, brandAs<AccountKeyId>(id));
    const lagging = await this.tell(account);
    if (lagging.length > 0) void reply.header(LAGGING_HEADER, lagging.join(', '));
  }

  private accountOf(request: AccountRequest, reply: FastifyReply): AccountId {
    const account = signedAccountOf(request);
    const region = this.keys.elsewhere(account);
    if (region !== undefined) void reply.headers({ [REFUSAL_HEADER]: 'not_home', [REFUSED_REGION_HEADER]: region });
    return account;
  }

  private async tell(account: AccountId): Promise<string[]> {
    return laggingIn((await this.moving.accounts.tell({ id: account })).regions);
  }
}
