import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { createAccountKeySchema } from '@parley/contracts';
import type { AdminStore, Moving } from '@parley/persistence';
import type { FastifyReply } from 'fastify';
import { readJsonBody } from '../http/json-body';
import { bodyOf } from '../http/raw-request';
import { MOVING } from '../regions/tokens';
import { LAGGING_HEADER, laggingIn } from '../v1/lagging';
import { accountKeyView } from '../v1/views';
import { operatorOf, type OperatorRequest } from './bearer';
import { refusing } from './refusals';
import { ADMIN_STORE } from './tokens';

@Controller('v1/admin/accounts/:slug/keys')
export class KeysOfAccountsController {
  constructor(
    @Inject(ADMIN_STORE) private readonly store: AdminStore,
    @Inject(MOVING) private readonly moving: Moving,
  ) {}

  @Get()
  async list(@Param('slug') slug: string) {
    return { keys: (await refusing(this.store.accountKeys.list(slug))).map(accountKeyView) };
  }

  @Post()
  async create(@Req() request: OperatorRequest, @Param('slug') slug: string) {
    const { name } = readJsonBody(bodyOf(request), createAccountKeySchema);
    const created = await refusing(this.store.accountKeys.create(operatorOf(request), slug, name));
    return { ...accountKeyView(created), key: created.key, lagging: await this.tell(slug) };
  }

  @Delete(':id')
  @HttpCode(204)
  async revoke(
    @Req() request: OperatorRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Param('slug') slug: string,
    @Param('id') id: string,
  ): Promise<void> {
    await refusing(this.store.accountKeys.revoke(operatorOf(request), slug, id));
    const lagging = await this.tell(slug);
    if (lagging.length > 0) void reply.header(LAGGING_HEADER, lagging.join(', '));
  }

  private async tell(slug: string): Promise<string[]> {
    return laggingIn((await refusing(this.moving.accounts.tell({ slug }))).regions);
  }
}
