import { z } from 'zod';
import { momentSchema } from './queries.schema';
import { eventNameSchema } from './webhooks.schema';

/** Deliveries and events over our REST API. */

const time = z.iso.datetime();

const delivery = {
  id: z.string().describe('Sent as `webhook-id`: the same in all attempts'),
  webhookId: z.number().int(),
  eventId: z.string(),
  event: eventNameSchema,
  domain: z.string(),
  roomName: z.string().nullable(),
  seq: z.number().int().describe('Place of the event among those of its room'),
  occurredAt: time,
  state: z.enum(['pending', 'sending', 'delivered', 'failed']).describe('`failed`: given up'),
  attempts: z.number().int(),
  nextAttemptAt: time.nullable(),
  createdAt: time,
  finishedAt: time.nullable(),
};

export const deliverySchema = z.strictObject(delivery).meta({ id: 'Delivery' });
export type DeliveryView = z.infer<typeof deliverySchema>;

export const deliveryListSchema = z
  .strictObject({
    deliveries: z
      .array(deliverySchema)
      .describe('Newest first. A page of one room or event may be short, even empty, although more follow'),
    nextCursor: z.string().nullable().describe('For the next page; null: this is the last one'),
  })
  .meta({ id: 'DeliveryList' });

export const attemptSchema = z
  .strictObject({
    number: z.number().int(),
    startedAt: time,
    durationMs: z.number().int(),
    status: z.number().int().nullable().describe('HTTP status of the answer; null: there was none'),
    outcome: z.string().describe('`delivered`, `failed`, `timeout`, `refused`, `abandoned` or `expired`'),
    error: z.string().nullable().describe('Null: it was delivered'),
    responseExcerpt: z.string().nullable().describe('The first characters of the answer'),
  })
  .meta({ id: 'Attempt' });
export type AttemptView = z.infer<typeof attemptSchema>;

export const deliveryDetailsSchema = z
  .strictObject({ ...delivery, history: z.array(attemptSchema).describe('Its attempts, oldest first') })
  .meta({ id: 'DeliveryDetails' });
export type DeliveryDetailsView = z.infer<typeof deliveryDetailsSchema>;

const range = {
  since: momentSchema.describe('Events that happened at this time or later'),
  until: momentSchema.optional().describe('Events that happened before this time; now if absent'),
  cursor: z.string().max(128).optional().describe('`nextCursor` of the call before'),
};

export const recoverSchema = z.strictObject(range).meta({ id: 'Recover' });

export const replaySchema = z
  .strictObject({
    ...range,
    events: z.array(eventNameSchema).min(1).max(20).optional().describe('Only these; what the webhook lists if absent'),
  })
  .meta({ id: 'Replay' });

export const resentSchema = z
  .strictObject({
    count: z.number().int().describe('Deliveries that are made now'),
    nextCursor: z.string().nullable().describe('There are more: call again with it; null: that is all'),
  })
  .meta({ id: 'Resent' });

export const eventSchema = z
  .looseObject({
    event: eventNameSchema,
    eventId: z.string().describe('Unique: whoever sees it twice has seen it'),
    domain: z.string(),
    roomName: z.string().optional(),
    roomSessionId: z.string().nullable().describe('The opening of the room it belongs to'),
    seq: z.number().int().describe('Place among the events of that opening, or of the room name'),
    occurredAt: time,
  })
  .meta({ id: 'Event' });

export const eventPageSchema = z
  .strictObject({
    events: z
      .array(eventSchema)
      .describe(
        'As a webhook is told them, without passwords and host keys. A page of a filtered list may be empty although more follow',
      ),
    cursor: z.string().describe('For the next call, also when there is nothing'),
  })
  .meta({ id: 'EventPage' });
