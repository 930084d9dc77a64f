import { z } from 'zod';

/** One region as the region that is asked sees it. */
export const regionInfoSchema = z
  .strictObject({
    id: z.string().describe('Its name, e.g. `eu-1`'),
    url: z.url().describe('Base URL of its front door'),
    signalingUrl: z.url().describe("Where sockets of this region's rooms belong"),
    pingUrl: z.url().describe('For measuring the way there: answers 204'),
    status: z.enum(['up', 'down']).describe('Whether it answered the last probe'),
  })
  .meta({ id: 'RegionInfo' });
export type RegionInfo = z.infer<typeof regionInfoSchema>;

/** Answer of `GET /regions`, all regions in the order of the operator's table. */
export const regionsAnswerSchema = z.array(regionInfoSchema);
