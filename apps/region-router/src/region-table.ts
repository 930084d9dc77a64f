import { brandAs, regionNumberOf, type RegionId } from '@parley/domain';
import { regionId, url } from '@parley/config';
import { z } from 'zod';

const replicaUrls = z.array(url('http', 'https')).default([]);

/** One row of `PARLEY_REGIONS`. Replica URLs are needed for the own region alone. */
export const regionSchema = z.object({
  id: regionId().transform((id) => brandAs<RegionId>(id)),
  number: z.number().int().min(1).max(1023),
  /** How the outside, and other regions' routers, reach its front door. */
  url: url('http', 'https'),
  apiUrls: replicaUrls,
  signalingUrls: replicaUrls,
});

export type Region = z.infer<typeof regionSchema>;

/** The table: ids and numbers are unique. */
export const regionsSchema = z
  .array(regionSchema)
  .min(1, 'expected at least one region')
  .refine((regions) => unique(regions.map(({ id }) => id)) && unique(regions.map((region) => region.number)), {
    error: 'expected every region id and number once',
  });

function unique(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length;
}

/** All regions and which one this is. */
export class RegionTable {
  readonly own: Region;

  /** @throws when the own region is not in the table */
  constructor(
    readonly regions: readonly Region[],
    ownId: string,
  ) {
    const own = regions.find(({ id }) => id === ownId);
    if (own === undefined) throw new Error(`region ${ownId} is not in the region table`);
    this.own = own;
  }

  find(id: RegionId): Region | undefined {
    return this.regions.find((region) => region.id === id);
  }

  /** The region that issued a numeric id. */
  issuerOf(id: number): Region | undefined {
    return this.regions.find((region) => region.number === regionNumberOf(id));
  }

  /** Whether a host name is one of our front doors, which no domain can register. */
  isFrontDoor(host: string): boolean {
    return this.regions.some((region) => new URL(region.url).hostname === host);
  }
}
