import { regionRowsSchema } from '@parley/config';
import { regionNumberOf, type RegionEntry, type RegionState } from '@parley/domain';
import { regionOf } from '@parley/server-kit';

/** The table: ids and numbers are unique. */
export const regionsSchema = regionRowsSchema.min(1, 'expected at least one region');

/** Where replicas of the own region are; of other regions, nobody here knows. */
interface Replicas {
  readonly apiUrls: readonly string[];
  readonly signalingUrls: readonly string[];
}

/** A row of `PARLEY_REGIONS`. */
export type RegionTableRow = Parameters<typeof regionOf>[0] & Replicas;

/** A region as this router knows it. */
export interface Region extends RegionEntry, Replicas {
  /** Base URL of its front door. */
  readonly url: string;
}

/**
 * All regions and which one this is. Begins with `PARLEY_REGIONS`; what operators enter into the directory goes before it,
 * but for the own replicas, which the environment alone knows.
 */
export class RegionTable {
  /** What of this region no operator changes; the rest is asked of the table each time. */
  readonly own: Pick<Region, 'id' | 'apiUrls' | 'signalingUrls'>;
  private current: readonly Region[];
  /** By what a `Host` header would say. */
  private hosts: ReadonlyMap<string, Region>;

  /** @throws when the own region is not in the table */
  constructor(
    private readonly rows: readonly RegionTableRow[],
    ownId: string,
  ) {
    this.current = rows.map((row) => this.regionOf(regionOf(row)));
    this.hosts = byHost(this.current);
    const own = this.find(ownId);
    if (own === undefined) throw new Error(`region ${ownId} is not in the region table`);
    this.own = own;
  }

  get regions(): readonly Region[] {
    return this.current;
  }

  /** Takes over what is known of the regions now. */
  update(entries: readonly RegionEntry[]): void {
    this.current = entries.map((entry) => this.regionOf(entry));
    this.hosts = byHost(this.current);
  }

  find(id: string): Region | undefined {
    return this.current.find((region) => region.id === id);
  }

  stateOf(id: string): RegionState {
    return this.find(id)?.state ?? 'serving';
  }

  /** The region that issued a numeric id. */
  issuerOf(id: number): Region | undefined {
    return this.current.find((region) => region.number === regionNumberOf(id));
  }

  /** The region whose front door a `Host` header names. */
  byHost(host: string): Region | undefined {
    return this.hosts.get(host.toLowerCase());
  }

  /** Whether a host name is one of our front doors, which no domain can register. */
  isFrontDoor(host: string): boolean {
    return this.current.some((region) => new URL(region.url).hostname === host);
  }

  private regionOf(entry: RegionEntry): Region {
    const { apiUrls, signalingUrls } = this.rows.find(({ id }) => id === entry.id) ?? {
      apiUrls: [],
      signalingUrls: [],
    };
    return { ...entry, url: entry.apiUrl, apiUrls, signalingUrls };
  }
}

function byHost(regions: readonly Region[]): ReadonlyMap<string, Region> {
  return new Map(regions.map((region) => [new URL(region.url).host, region]));
}
