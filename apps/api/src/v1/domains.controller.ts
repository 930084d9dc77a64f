import { Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import { rotateWebhookKeySchema } from '@parley/contracts';
import { DomainError, parseDomainName, WebhookKeyService } from '@parley/domain';
import { readOptionalJsonBody } from '../http/json-body';
import { bodyOf } from '../http/raw-request';
import { type AccountRequest, accountOf } from './account-guard';

@Controller('v1/domains')
export class OwnDomainsController {
  constructor(private readonly keys: WebhookKeyService) {}

  @Post(':name/webhook-key/rotate')
  @HttpCode(200)
  async rotateWebhookKey(@Req() request: AccountRequest, @Param('name') name: string) {
    const { overlapHours } = readOptionalJsonBody(bodyOf(request), rotateWebhookKeySchema);
    const domain = parseDomainName(name);
    if (!domain.ok) throw new DomainError('domain_not_found', 'There is no domain of this name here.');
    const { webhookKey, formerSignsUntil } = await this.keys.rotate(accountOf(request), domain.value, overlapHours);
    return { webhookKey, formerSignsUntil: formerSignsUntil?.toISOString() ?? null };
  }
}
