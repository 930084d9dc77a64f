import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { createKeySchema, rotateKeySchema } from '@parley/contracts';
import type { AdminStore } from '@parley/persistence';
import { readJsonBody } from '../http/json-body';
import { HttpRefusal } from '../http/problems';
import { bodyOf } from '../http/raw-request';
import { operatorOf, type OperatorRequest } from './bearer';
import { refusing } from './refusals';
import { ADMIN_STORE } from './tokens';
import { keyView } from './views';

@Controller('v1/admin/keys')
export class KeysController {
  constructor(@Inject(ADMIN_STORE) private readonly store: AdminStore) {}

  @Get()
  async list() {
    return { keys: (await this.store.keys.list()).map(keyView) };
  }

  @Post()
  async create(@Req() request: OperatorRequest) {
    const { name } = readJsonBody(bodyOf(request), createKeySchema);
    return this.make(operatorOf(request), name);
  }

  /** A new key in the place of another, which is void from now on. */
  @Post(':name/rotate')
  async rotate(@Req() request: OperatorRequest, @Param('name') name: string) {
    const body = bodyOf(request);
    const wanted = body.length === 0 ? undefined : readJsonBody(body, rotateKeySchema).name;
    const former = (await this.store.keys.list()).find((key) => key.name === name && key.revokedAt === null);
    if (former === undefined) throw new HttpRefusal('not_found', 'There is no valid key of this name.');
    const actor = operatorOf(request);
    const created = await this.make(actor, wanted ?? nextName(name));
    await refusing(this.store.keys.revoke(actor, name));
    return created;
  }

  @Delete(':name')
  @HttpCode(204)
  async revoke(@Req() request: OperatorRequest, @Param('name') name: string): Promise<void> {
    await refusing(this.store.keys.revoke(operatorOf(request), name));
  }

  private async make(actor: string, name: string) {
    const created = await refusing(this.store.keys.create(actor, name));
    return { ...keyView(created), key: created.key };
  }
}

/** `ops`, `ops-r2`, `ops-r3`, ... */
export function nextName(name: string): string {
  const [, base = name, count = '1'] = /^(.*)-r(\d{1,6})$/.exec(name) ?? [];
  return `${base}-r${Number(count) + 1}`;
}
