import { z } from 'zod';
import { regionId } from './common.schema';
import { json, url } from './fields';

const replicaUrls = z.array(url('http', 'https')).default([]);

/** One row of `PARLEY_REGIONS`. Replica URLs are needed by the router of that region alone. */
export const regionRowSchema = z.object({
  id: regionId(),
  number: z.number().int().min(1).max(1023),
  /** How the outside, and other regions' routers, reach its front door. */
  url: url('http', 'https'),
  /** Base of its sockets, without `/spreed`; the front door as ws or wss if missing. */
  signalingUrl: url('ws', 'wss').optional(),
  latitude: z.number().min(-90).max(90).optional(),
  longitude: z.number().min(-180).max(180).optional(),
  /** Regions of a group stand in for each other first. */
  group: z.string().min(1).optional(),
  apiUrls: replicaUrls,
  signalingUrls: replicaUrls,
});

export type RegionRow = z.infer<typeof regionRowSchema>;

/** The table: ids and numbers are unique. */
export const regionRowsSchema = z
  .array(regionRowSchema)
  .refine((rows) => unique(rows.map(({ id }) => id)) && unique(rows.map(({ number }) => number)), {
    error: 'expected every region id and number once',
  });

/** `PARLEY_REGIONS` of a service that only has to know where other regions are. */
export const otherRegions = () =>
  json(regionRowsSchema)
    .prefault('[]')
    .describe('Regions that are not (yet) in the directory, as JSON: [{"id","number","url"}]');

function unique(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length;
}
