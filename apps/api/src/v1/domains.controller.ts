import { Controller, Get, HttpCode, Param, Patch, Post, Req } from '@nestjs/common';
import { type OwnDomainView, rotateWebhookKeySchema, updateOwnDomainSchema } from '@parley/contracts';
import {
  DomainError,
  type DomainName,
  OwnDomainService,
  type OwnDomainSettings,
  parseDomainName,
  WebhookKeyService,
} from '@parley/domain';
import { readJsonBody, readOptionalJsonBody } from '../http/json-body';
import { bodyOf } from '../http/raw-request';
import { type AccountRequest, accountOf } from './account-guard';

@Controller('v1/domains')
export class OwnDomainsController {
  constructor(
    private readonly domains: OwnDomainService,
    private readonly keys: WebhookKeyService,
  ) {}

  @Get(':name')
  async get(@Req() request: AccountRequest, @Param('name') name: string) {
    return domainView(await this.domains.settings(accountOf(request), pathDomain(name)));
  }

  @Patch(':name')
  async update(@Req() request: AccountRequest, @Param('name') name: string) {
    const { peerEvents } = readJsonBody(bodyOf(request), updateOwnDomainSchema);
    const changes = peerEvents === undefined ? {} : { peerEvents };
    return domainView(await this.domains.change(accountOf(request), pathDomain(name), changes));
  }

  @Post(':name/webhook-key/rotate')
  @HttpCode(200)
  async rotateWebhookKey(@Req() request: AccountRequest, @Param('name') name: string) {
    const { overlapHours } = readOptionalJsonBody(bodyOf(request), rotateWebhookKeySchema);
    const rotating = this.keys.rotate(accountOf(request), pathDomain(name), overlapHours);
    const { webhookKey, formerSignsUntil } = await rotating;
    return { webhookKey, formerSignsUntil: formerSignsUntil?.toISOString() ?? null };
  }
}

/** @throws DomainError domain_not_found for what cannot be one */
function pathDomain(text: string): DomainName {
  const domain = parseDomainName(text);
  if (!domain.ok) throw new DomainError('domain_not_found', 'There is no domain of this name here.');
  return domain.value;
}

function domainView({ name, peerEvents }: OwnDomainSettings): OwnDomainView {
  return { name, peerEvents };
}
