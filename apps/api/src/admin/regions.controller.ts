import { Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Req } from '@nestjs/common';
import { createRegionSchema, type RegionView, updateRegionSchema } from '@parley/contracts';
import { brandAs, type RegionEntry, type RegionId } from '@parley/domain';
import type { AdminStore } from '@parley/persistence';
import type { RegionBook } from '@parley/server-kit';
import { readJsonBody } from '../http/json-body';
import { bodyOf } from '../http/raw-request';
import { REGION_BOOK } from '../regions/tokens';
import { operatorOf, type OperatorRequest } from './bearer';
import { present } from './present';
import { refusing } from './refusals';
import { ADMIN_STORE } from './tokens';

/** Regions, as all of them know each other: any region may be asked. */
@Controller('v1/admin/regions')
export class RegionsController {
  constructor(
    @Inject(ADMIN_STORE) private readonly store: AdminStore,
    @Inject(REGION_BOOK) private readonly book: Pick<RegionBook, 'refresh' | 'regions' | 'find'>,
  ) {}

  @Get()
  async list() {
    await this.book.refresh();
    return { regions: this.book.regions.map(regionView) };
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
    await this.enterIfMissing(operatorOf(request), id);
    return regionView(await refusing(this.store.regions.change(operatorOf(request), id, changes)));
  }

  @Delete(':id')
  @HttpCode(204)
  async remove(@Req() request: OperatorRequest, @Param('id') id: string): Promise<void> {
    await refusing(this.store.regions.remove(operatorOf(request), id));
  }

  /** One that is known from PARLEY_REGIONS alone stands in the directory from its first change on. */
  private async enterIfMissing(actor: string, id: string): Promise<void> {
    await this.book.refresh();
    const known = this.book.find(brandAs<RegionId>(id));
    if (known?.version !== 0) return;
    const { version: _, ...region } = known;
    await refusing(this.store.regions.add(actor, region));
  }
}

function regionView({ id, number, apiUrl, signalingUrl, position, group, state, version }: RegionEntry): RegionView {
  return { id, number, apiUrl, signalingUrl, position, group, state, version };
}
