import { z } from 'zod';

/** A region's name, e.g. `eu-1`. */
export const regionIdSchema = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/);

/** Answer of `GET /regions`: where there is what. */
export const regionsAnswerSchema = z
  .strictObject({
    /** The region that answers. */
    here: regionIdSchema,
    regions: z.array(
      z.strictObject({
        id: regionIdSchema,
        url: z.url().describe('Base URL of its front door'),
        healthy: z.boolean().describe('Whether it answered the last probe'),
        latencyMs: z
          .number()
          .nonnegative()
          .nullable()
          .describe('Of the last probe from here; null while there is none'),
      }),
    ),
  })
  .meta({ id: 'RegionsAnswer' });
export type RegionsAnswer = z.infer<typeof regionsAnswerSchema>;

/** Answer of `GET /ping`: for clients that measure which region is near. */
export const pingAnswerSchema = z
  .strictObject({ region: regionIdSchema, time: z.iso.datetime() })
  .meta({ id: 'PingAnswer' });
export type PingAnswer = z.infer<typeof pingAnswerSchema>;
