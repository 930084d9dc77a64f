import { Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import {
  createWebhookSchema,
  rotateSecretSchema,
  type UpdateWebhook,
  updateWebhookSchema,
  webhooksQuerySchema,
} from '@parley/contracts';
import { type WebhookChanges, WebhookManager, WebhookService } from '@parley/domain';
import { readJsonBody, readOptionalJsonBody } from '../http/json-body';
import { readQuery } from '../http/query';
import { bodyOf } from '../http/raw-request';
import { type AccountRequest, accountOf } from './account-guard';
import { domainOf, eventTypeOf, roomOf, webhookIdOf } from './params';
import { validationView, webhookDetailsView, webhookView } from './views';

@Controller('v1/webhooks')
export class WebhooksController {
  constructor(
    private readonly manager: WebhookManager,
    private readonly webhooks: WebhookService,
  ) {}

  @Get()
  async list(@Req() request: AccountRequest, @Query() query: unknown) {
    const { domain } = readQuery(query, webhooksQuerySchema);
    const webhooks = await this.manager.list(accountOf(request), domainOf(domain));
    return { webhooks: webhooks.map(webhookView) };
  }

  @Post()
  async create(@Req() request: AccountRequest) {
    const { domain, roomName, events, order, ...target } = readJsonBody(bodyOf(request), createWebhookSchema);
    const { webhook, secret } = await this.manager.add(accountOf(request), {
      domain: domainOf(domain),
      roomName: roomName === null ? null : roomOf(roomName),
      events: [...new Set(events)].map(eventTypeOf),
      order,
      target,
    });
    return { ...webhookView(webhook), secret };
  }

  @Get(':id')
  async get(@Req() request: AccountRequest, @Param('id') id: string) {
    const { webhook, deliveries } = await this.manager.get(accountOf(request), webhookIdOf(id));
    return webhookDetailsView(webhook, deliveries);
  }

  @Patch(':id')
  async update(@Req() request: AccountRequest, @Param('id') id: string) {
    const changes = changesOf(readJsonBody(bodyOf(request), updateWebhookSchema));
    return webhookView(await this.manager.change(accountOf(request), webhookIdOf(id), changes));
  }

  @Delete(':id')
  @HttpCode(204)
  async remove(@Req() request: AccountRequest, @Param('id') id: string): Promise<void> {
    await this.webhooks.remove(accountOf(request), webhookIdOf(id));
  }

  @Post(':id/validate')
  @HttpCode(200)
  async validate(@Req() request: AccountRequest, @Param('id') id: string) {
    const { validated, error } = await this.manager.validate(accountOf(request), webhookIdOf(id));
    return { validated, lastValidationError: error };
  }

  @Get(':id/validations')
  async validations(@Req() request: AccountRequest, @Param('id') id: string) {
    const validations = await this.manager.validations(accountOf(request), webhookIdOf(id));
    return { validations: validations.map(validationView) };
  }

  @Post(':id/pause')
  @HttpCode(200)
  async pause(@Req() request: AccountRequest, @Param('id') id: string) {
    return webhookView(await this.manager.pause(accountOf(request), webhookIdOf(id)));
  }

  @Post(':id/resume')
  @HttpCode(200)
  async resume(@Req() request: AccountRequest, @Param('id') id: string) {
    return webhookView(await this.manager.resume(accountOf(request), webhookIdOf(id)));
  }

  @Post(':id/test')
  @HttpCode(202)
  async test(@Req() request: AccountRequest, @Param('id') id: string) {
    return { eventId: await this.manager.test(accountOf(request), webhookIdOf(id)) };
  }

  @Post(':id/secret/rotate')
  @HttpCode(200)
  async rotateSecret(@Req() request: AccountRequest, @Param('id') id: string) {
    const { overlapHours } = readOptionalJsonBody(bodyOf(request), rotateSecretSchema);
    const rotated = await this.manager.rotateSecret(accountOf(request), webhookIdOf(id), overlapHours);
    return { secret: rotated.secret, formerSignsUntil: rotated.formerSignsUntil?.toISOString() ?? null };
  }

  @Get(':id/secrets')
  async secrets(@Req() request: AccountRequest, @Param('id') webhook: string) {
    const secrets = await this.manager.secrets(accountOf(request), webhookIdOf(webhook));
    return {
      secrets: secrets.map(({ id, createdAt, signsUntil }) => ({
        id,
        createdAt: createdAt.toISOString(),
        signsUntil: signsUntil?.toISOString() ?? null,
      })),
    };
  }
}

function changesOf({ url, roomName, events, order }: UpdateWebhook): WebhookChanges {
  return {
    ...(url === undefined ? {} : { url }),
    ...(roomName === undefined ? {} : { roomName: roomName === null ? null : roomOf(roomName) }),
    ...(events === undefined ? {} : { events: [...new Set(events)].map(eventTypeOf) }),
    ...(order === undefined ? {} : { order }),
  };
}
