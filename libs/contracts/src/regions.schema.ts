import { z } from 'zod';

/** Degrees. */
export const positionSchema = z.strictObject({
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
});

/** One region as the region that is asked sees it. */
export const regionInfoSchema = z
  .strictObject({
    id: z.string().describe('Its name, e.g. `eu-1`'),
    url: z.url().describe('Base URL of its front door'),
    signalingUrl: z.url().describe("Where sockets of this region's rooms belong"),
    pingUrl: z.url().describe('For measuring the way there: answers 204'),
    status: z.enum(['up', 'down']).describe('Whether it answered the last probe'),
    state: z.enum(['serving', 'draining']).describe('`draining` serves what it has and is not to be chosen for more'),
    position: positionSchema.nullable(),
    group: z.string().nullable().describe('Regions of a group stand in for each other first'),
  })
  .meta({ id: 'RegionInfo' });
export type RegionInfo = z.infer<typeof regionInfoSchema>;

const measured = z
  .string()
  .max(2_048)
  .describe('Round trips that the client measured, in milliseconds: `eu-1:34,us-1:120`');

/** Query of `GET /v1/regions`; anything else in it is ignored. */
export const regionsQuerySchema = z.object({
  measured: measured.optional(),
  asked: z.string().max(2_048).optional().describe('Regions that are wanted, the best one first: `us-1,eu-1`'),
});

/** Query of `POST /join`; anything else in it is ignored. */
export const joinQuerySchema = z.object({ measured: measured.optional() });

/**
 * Answer of `GET /v1/regions`, ordered for who asks: first those that can be chosen, the best first (asked for, measured, near); then draining ones;
 * last those that do not answer. What operators took down is not there.
 */
export const regionsAnswerSchema = z.array(regionInfoSchema);
