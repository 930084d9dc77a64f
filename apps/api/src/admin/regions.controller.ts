import { Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Req } from '@nestjs/common';
import { createRegionSchema, type RegionView, updateRegionSchema } from '@parley/contracts';
import { brandAs, type RegionEntry, type RegionId } from '@parley/domain';
import type { AdminStore } from '@parley/persistence';
import { readJsonBody } from '../http/json-body';
import { bodyOf } from '../http/raw-request';
import { operatorOf, type OperatorRequest } from './bearer';
import { present } from './present';
import { refusing } from './refusals';
import { ADMIN_STORE } from './tokens';

/** Regions, as all of them know each other: any region may be asked. */
@Controller('v1/admin/regions')
export class RegionsController {
  constructor(@Inject(ADMIN_STORE) private readonly store: AdminStore) {}

  @Get()
  async list() {
    return { regions: (await this.store.regions.list()).map(regionView) };
  }

  @Post()
  async add(@Req() request: OperatorRequest) {
    const { id, ...region } = readJsonBody(bodyOf(request), createRegionSchema);
    const added = this.store.regions.add(operatorOf(request), { ...region, id: brandAs<RegionId>(id) });
    return regionView(await refusing(added));
  }

  @Patch(':id')
  async change(@Req() request: OperatorRequest, @Param('id') id: string) {
    const changes = present(readJsonBody(bodyOf(request), updateRegionSchema));
    return regionView(await refusing(this.store.regions.change(operatorOf(request), id, changes)));
  }

  @Delete(':id')
  @HttpCode(204)
  async remove(@Req() request: OperatorRequest, @Param('id') id: string): Promise<void> {
    await refusing(this.store.regions.remove(operatorOf(request), id));
  }
}

function regionView({ id, number, apiUrl, signalingUrl, position, group, state, version }: RegionEntry): RegionView {
  return { id, number, apiUrl, signalingUrl, position, group, state, version };
}
