import { Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Req } from '@nestjs/common';
import { createBackendSchema, updateBackendSchema } from '@parley/contracts';
import type { AdminStore } from '@parley/persistence';
import { readJsonBody } from '../http/json-body';
import { bodyOf } from '../http/raw-request';
import { operatorOf, type OperatorRequest } from './bearer';
import { present } from './present';
import { refusing } from './refusals';
import { ADMIN_STORE, BACKEND_FOLLOW_UP, type BackendFollowUp } from './tokens';
import { backendView } from './views';

/** Nextcloud instances that use this cluster for signaling. */
@Controller('v1/admin/backends')
export class BackendsController {
  constructor(
    @Inject(ADMIN_STORE) private readonly store: AdminStore,
    @Inject(BACKEND_FOLLOW_UP) private readonly followUp: BackendFollowUp,
  ) {}

  @Get()
  async list() {
    return { backends: (await this.store.backends.list()).map(backendView) };
  }

  @Post()
  async create(@Req() request: OperatorRequest) {
    const backend = present(readJsonBody(bodyOf(request), createBackendSchema));
    const created = await refusing(this.store.backends.create(operatorOf(request), backend));
    await this.followUp.changed();
    return backendView(created);
  }

  @Patch(':id')
  async update(@Req() request: OperatorRequest, @Param('id') id: string) {
    const changes = present(readJsonBody(bodyOf(request), updateBackendSchema));
    const updated = await refusing(this.store.backends.update(operatorOf(request), id, changes));
    await this.followUp.changed();
    return backendView(updated);
  }

  @Delete(':id')
  @HttpCode(204)
  async delete(@Req() request: OperatorRequest, @Param('id') id: string): Promise<void> {
    const removed = await refusing(this.store.backends.delete(operatorOf(request), id));
    await this.followUp.changed();
    await this.followUp.closeRooms(removed);
  }
}
