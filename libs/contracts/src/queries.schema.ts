import { z } from 'zod';
import { EVENT_NAMES, eventNameSchema } from './webhooks.schema';

/** What the calls of accounts read from the query. Anything else there is refused. */

/** A time in ISO 8601, UTC, that a database holds. */
export const momentSchema = z.iso
  .datetime()
  .refine((text) => Date.parse(text) >= 0, 'expected a time after 1969')
  .describe('ISO 8601, UTC');

const domain = z.string().min(1).max(253);
const room = z.string().min(1).max(256).describe('Only of the room of this name');
const cursor = z.string().min(1).max(128);
const number = (min: number, max: number, usual: number) => z.coerce.number().int().min(min).max(max).default(usual);

export const webhooksQuerySchema = z.strictObject({ domain });

export const deliveriesQuerySchema = z.strictObject({
  state: z.enum(['pending', 'sending', 'delivered', 'failed']).optional(),
  event: eventNameSchema.optional(),
  since: momentSchema.optional().describe('Made at this time or later'),
  until: momentSchema.optional().describe('Made before this time'),
  room: room.optional(),
  cursor: cursor.optional().describe('`nextCursor` of the page before'),
  limit: number(1, 500, 100),
});

export const eventsQuerySchema = z.strictObject({
  domain,
  cursor: cursor
    .optional()
    .describe('`cursor` of the answer before; `latest`: only what happens from now on; absent: all that is kept'),
  limit: number(1, 500, 100),
  events: z
    .string()
    .max(512)
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(EVENT_NAMES)).min(1))
    .optional()
    .describe('Only these, separated by commas'),
  room: room.optional(),
  wait: number(0, 30, 0).describe('When there is nothing: so many seconds for something to happen'),
});
