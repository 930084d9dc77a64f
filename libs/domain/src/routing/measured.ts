import { brandAs, type RegionId } from '../kernel/ids';
import { placeRegions, type RegionChoice } from './placement';

/** Round trips to regions, in milliseconds, as somebody measured them. */
export type MeasuredRegions = ReadonlyMap<RegionId, readonly number[]>;

/** More regions than one Parley has. */
const MAX_REGIONS = 64;
/** Longer than anybody waits for an answer, in milliseconds. */
const LONGEST_MS = 60_000;
const ENTRY = /^([a-z][a-z0-9-]{0,30}):(\d{1,5}(?:\.\d{1,3})?)$/;

/** Reads `eu-1:34,us-1:120`, as clients say what they measured. What nobody can make sense of is left out. */
export function parseMeasured(text: string): MeasuredRegions {
  const entries = text.split(',', MAX_REGIONS).flatMap((part): [RegionId, readonly number[]][] => {
    const [, region = '', ms = ''] = ENTRY.exec(part.trim()) ?? [];
    return region === '' || Number(ms) > LONGEST_MS ? [] : [[brandAs<RegionId>(region), [Number(ms)]]];
  });
  return new Map(entries);
}

/** The region that is nearest by what was measured, of those that can be chosen; undefined when none of them was measured. */
export function nearestByMeasure(choices: readonly RegionChoice[], measured: MeasuredRegions): RegionId | undefined {
  const [first] = placeRegions(choices, { measured });
  return first !== undefined && measured.has(first.id) ? first.id : undefined;
}
