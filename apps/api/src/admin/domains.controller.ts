import { Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Req } from '@nestjs/common';
import { createDomainSchema, rotateWebhookKeySchema, updateDomainSchema } from '@parley/contracts';
import type { AdminStore } from '@parley/persistence';
import { readJsonBody, readOptionalJsonBody } from '../http/json-body';
import { bodyOf } from '../http/raw-request';
import { operatorOf, type OperatorRequest } from './bearer';
import { knownDomain } from './known-domain';
import { present } from './present';
import { refusing } from './refusals';
import { ADMIN_STORE, BACKEND_FOLLOW_UP, type BackendFollowUp, DOMAIN_FOLLOW_UP, type DomainFollowUp } from './tokens';
import { domainView } from './views';

@Controller('v1/admin/domains')
export class DomainsController {
  constructor(
    @Inject(ADMIN_STORE) private readonly store: AdminStore,
    @Inject(BACKEND_FOLLOW_UP) private readonly followUp: BackendFollowUp,
    @Inject(DOMAIN_FOLLOW_UP) private readonly rooms: DomainFollowUp,
  ) {}

  @Get()
  async list() {
    return { domains: (await this.store.domains.list()).map(domainView) };
  }

  @Post()
  async create(@Req() request: OperatorRequest) {
    const input = present(readJsonBody(bodyOf(request), createDomainSchema));
    const created = await refusing(this.store.domains.create(operatorOf(request), input));
    return { ...domainView(created), webhookKey: created.webhookKey };
  }

  @Get(':name')
  async get(@Param('name') name: string) {
    return domainView(await refusing(this.store.domains.get(knownDomain(name))));
  }

  @Patch(':name')
  async update(@Req() request: OperatorRequest, @Param('name') name: string) {
    const changes = present(readJsonBody(bodyOf(request), updateDomainSchema));
    const updated = await refusing(this.store.domains.update(operatorOf(request), knownDomain(name), changes));
    if (changes.capacity !== undefined) await this.rooms.capacityChanged(updated.name, changes.capacity);
    return domainView(updated);
  }

  @Delete(':name')
  @HttpCode(204)
  async delete(@Req() request: OperatorRequest, @Param('name') name: string): Promise<void> {
    await refusing(this.store.domains.delete(operatorOf(request), knownDomain(name)));
    // Its backends went with it.
    await this.followUp.changed();
  }

  @Post(':name/webhook-key/rotate')
  @HttpCode(200)
  async rotateWebhookKey(@Req() request: OperatorRequest, @Param('name') name: string) {
    const { overlapHours } = readOptionalJsonBody(bodyOf(request), rotateWebhookKeySchema);
    const rotating = this.store.domains.rotateWebhookKey(operatorOf(request), knownDomain(name), overlapHours);
    const { webhookKey, formerSignsUntil } = await refusing(rotating);
    return { webhookKey, formerSignsUntil: formerSignsUntil?.toISOString() ?? null };
  }
}
