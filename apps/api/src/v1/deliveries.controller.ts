import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { deliveriesQuerySchema, recoverSchema, replaySchema } from '@parley/contracts';
import { brandAs, type DeliveryId, DeliveryService, type Resent, type ResendRequest } from '@parley/domain';
import { readJsonBody } from '../http/json-body';
import { readQuery } from '../http/query';
import { bodyOf } from '../http/raw-request';
import { type AccountRequest, accountOf } from './account-guard';
import { cursors } from './cursors';
import { eventTypeOf, roomOf, webhookIdOf } from './params';
import { attemptView, deliveryView } from './views';

@Controller('v1')
export class DeliveriesController {
  constructor(private readonly deliveries: DeliveryService) {}

  @Get('webhooks/:id/deliveries')
  async list(@Req() request: AccountRequest, @Param('id') id: string, @Query() text: unknown) {
    const { state, event, since, until, room, cursor, limit } = readQuery(text, deliveriesQuerySchema);
    const filter = {
      ...(state === undefined ? {} : { state }),
      ...(event === undefined ? {} : { type: eventTypeOf(event) }),
      ...(room === undefined ? {} : { roomName: roomOf(room) }),
      ...(since === undefined ? {} : { since: new Date(since) }),
      ...(until === undefined ? {} : { until: new Date(until) }),
    };
    const after = cursor === undefined ? null : cursors.delivery.read(cursor);
    const page = await this.deliveries.list(accountOf(request), webhookIdOf(id), filter, { after, limit });
    return {
      deliveries: page.deliveries.map(deliveryView),
      nextCursor: page.next === null ? null : cursors.delivery.write(page.next),
    };
  }

  @Get('deliveries/:id')
  async get(@Req() request: AccountRequest, @Param('id') id: string) {
    const { delivery, attempts } = await this.deliveries.get(accountOf(request), brandAs<DeliveryId>(id));
    return { ...deliveryView(delivery), history: attempts.map(attemptView) };
  }

  @Post('deliveries/:id/resend')
  @HttpCode(202)
  async resend(@Req() request: AccountRequest, @Param('id') id: string) {
    return deliveryView(await this.deliveries.resend(accountOf(request), brandAs<DeliveryId>(id)));
  }

  @Post('webhooks/:id/recover')
  @HttpCode(202)
  async recover(@Req() request: AccountRequest, @Param('id') id: string) {
    const range = rangeOf(readJsonBody(bodyOf(request), recoverSchema));
    return resentView(await this.deliveries.recover(accountOf(request), webhookIdOf(id), range));
  }

  @Post('webhooks/:id/replay')
  @HttpCode(202)
  async replay(@Req() request: AccountRequest, @Param('id') id: string) {
    const { events, ...rest } = readJsonBody(bodyOf(request), replaySchema);
    const wanted = { ...rangeOf(rest), ...(events === undefined ? {} : { types: events.map(eventTypeOf) }) };
    return resentView(await this.deliveries.replay(accountOf(request), webhookIdOf(id), wanted));
  }
}

function rangeOf(body: { since: string; until?: string | undefined; cursor?: string | undefined }): ResendRequest {
  return {
    since: new Date(body.since),
    ...(body.until === undefined ? {} : { until: new Date(body.until) }),
    ...(body.cursor === undefined ? {} : { after: cursors.position.read(body.cursor) }),
  };
}

function resentView({ count, reached }: Resent) {
  return { count, nextCursor: reached === null ? null : cursors.position.write(reached) };
}
