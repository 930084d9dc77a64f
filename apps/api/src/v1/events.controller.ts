import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { eventsQuerySchema } from '@parley/contracts';
import { encodeWebhookEvent } from '@parley/protocol-xroom';
import type { FastifyReply } from 'fastify';
import { readQuery } from '../http/query';
import { type AccountRequest, accountOf } from './account-guard';
import { cursors } from './cursors';
import { EventPolling } from './event-polling';
import { domainOf, eventTypeOf, roomOf } from './params';

@Controller('v1/events')
export class EventsController {
  constructor(private readonly polling: EventPolling) {}

  @Get()
  async read(@Req() request: AccountRequest, @Res({ passthrough: true }) reply: FastifyReply, @Query() text: unknown) {
    const { domain, cursor, limit, events, room, wait } = readQuery(text, eventsQuerySchema);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const after = placeOf(cursor);
    const filter = {
      ...(events === undefined ? {} : { types: events.map(eventTypeOf) }),
      ...(room === undefined ? {} : { roomName: roomOf(room) }),
    };
    const asked = { domain: domainOf(domain), filter, after, limit, waitMs: wait * 1_000 };
    const page = await this.polling.read(accountOf(request), asked, gone.signal);
    return {
      // Without a room's password and host key: those are filled in for receivers that proved themselves.
      events: page.events.map((event) => encodeWebhookEvent(event, { detailed: true })),
      cursor: cursors.position.write(page.reached),
    };
  }
}

function placeOf(cursor: string | undefined): bigint | 'latest' {
  if (cursor === undefined) return 0n;
  return cursor === 'latest' ? 'latest' : cursors.position.read(cursor);
}
