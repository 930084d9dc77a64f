import type { RegionId } from '../kernel/ids';
import type { RegionState } from './directory';

/** A region that could be chosen. */
export interface RegionChoice {
  readonly id: RegionId;
  readonly group: string | null;
  readonly state: RegionState;
  /** Whether it answers at the moment. */
  readonly alive: boolean;
}

/** What is known of those who want to meet. */
export interface PlacementWish {
  /** The region that has the room already, or where its domain is at home. */
  readonly hosting?: RegionId | undefined;
  /** Regions that were asked for, the best one first. */
  readonly asked?: readonly RegionId[] | undefined;
  /** Measured round trips of the participants to a region, in milliseconds. */
  readonly measured?: ReadonlyMap<RegionId, readonly number[]> | undefined;
  /** A guess where nobody measured: how far away regions are, in any unit. */
  readonly distance?: ReadonlyMap<RegionId, number> | undefined;
}

/**
 * The regions to choose from, the best one first: the one that hosts already, those that were asked for, those with
 * measured latency (the least that the participant worst off has to bear, then the least mean), those of the same group
 * as the best so far (or as the nearest one), then all others; within a rung the nearest first, else in the order given.
 * Regions that are down or do not answer are out; draining ones keep what they host and get nothing new.
 */
export function placeRegions<Choice extends RegionChoice>(
  choices: readonly Choice[],
  wish: PlacementWish,
): readonly Choice[] {
  const fit = choices.filter((choice) => isFit(choice, wish));
  const ranked = fit.map((choice) => ({ choice, rank: rankOf(choice, wish) })).sort(byRank);
  const group = ranked[0]?.choice.group ?? null;
  const [named, others] = [
    ranked.filter(({ rank }) => rank[0] < UNKNOWN),
    ranked.filter(({ rank }) => rank[0] === UNKNOWN),
  ];
  const sameGroup = ({ choice }: { readonly choice: Choice }) => group !== null && choice.group === group;
  const kin = others.filter(sameGroup);
  const rest = others.filter((one) => !sameGroup(one));
  return [...named, ...kin, ...rest].map(({ choice }) => choice);
}

/** Rung, then what decides within it. */
type Rank = readonly [rung: number, first: number, second: number];

const UNKNOWN = 3;

function isFit({ id, state, alive }: RegionChoice, { hosting }: PlacementWish): boolean {
  return alive && (state === 'serving' || (state === 'draining' && id === hosting));
}

function rankOf({ id }: RegionChoice, { hosting, asked, measured, distance }: PlacementWish): Rank {
  if (id === hosting) return [0, 0, 0];
  const wished = asked?.indexOf(id) ?? -1;
  if (wished !== -1) return [1, wished, 0];
  const times = measured?.get(id) ?? [];
  if (times.length > 0) return [2, Math.max(...times), times.reduce((sum, time) => sum + time, 0) / times.length];
  return [UNKNOWN, distance?.get(id) ?? Infinity, 0];
}

function byRank({ rank: one }: { readonly rank: Rank }, { rank: other }: { readonly rank: Rank }): number {
  return one[0] - other[0] || compare(one[1], other[1]) || compare(one[2], other[2]);
}

/** Infinity less Infinity is no number. */
function compare(one: number, other: number): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

/** A process that could be chosen. */
export interface ReplicaChoice {
  /** It answers and is not draining. */
  readonly fit: boolean;
  /** What it has, and what was sent there so recently that it may not have counted it. */
  readonly load: number;
}

/**
 * The replicas in the order to try: of two picked at random the less loaded one (the first of equals), then the other fit
 * ones, least loaded first. Two instead of the best of all: those who choose by the same figures at the same time do not
 * all choose the same one. Those that drain or are dead come last, for callers that would be refused otherwise.
 * @param random from 0 to below 1
 */
export function rankReplicas<Choice extends ReplicaChoice>(
  choices: readonly Choice[],
  random: () => number,
): readonly Choice[] {
  const byLoad = (of: readonly Choice[]) => [...of].sort((one, other) => one.load - other.load);
  const fit = byLoad(choices.filter((choice) => choice.fit));
  const unfit = byLoad(choices.filter((choice) => !choice.fit));
  if (fit.length < 3) return [...fit, ...unfit];
  const one = Math.floor(random() * fit.length);
  const other = (one + 1 + Math.floor(random() * (fit.length - 1))) % fit.length;
  // In order of load, so the lower place is the lower load.
  const [chosen] = fit.splice(Math.min(one, other), 1);
  return chosen === undefined ? [...fit, ...unfit] : [chosen, ...fit, ...unfit];
}

/** How long what was sent to a replica counts besides what it reports, in milliseconds. */
export const RAMP_MS = 20_000;

const BUCKETS = 20;
const BUCKET_MS = RAMP_MS / BUCKETS;

/**
 * What was sent to a replica lately: each counts 1 at first and less and less over 20 seconds, by which time it is in the
 * figures the replica reports. Costs the same however many there were.
 */
export class PendingLoad {
  private readonly counts = new Array<number>(BUCKETS).fill(0);
  private newest = -Infinity;

  /** @param now milliseconds on a clock that never jumps back */
  add(now: number): void {
    this.moveTo(now);
    this.counts[this.newest % BUCKETS] = (this.counts[this.newest % BUCKETS] ?? 0) + 1;
  }

  at(now: number): number {
    this.moveTo(now);
    return this.counts.reduce((sum, _count, age) => {
      const bucket = this.newest - age;
      return bucket < 0 ? sum : sum + (this.counts[bucket % BUCKETS] ?? 0) * (1 - age / BUCKETS);
    }, 0);
  }

  private moveTo(now: number): void {
    const bucket = Math.floor(now / BUCKET_MS);
    const first = Math.max(this.newest + 1, bucket - BUCKETS + 1);
    for (let passed = Math.max(first, 0); passed <= bucket; passed += 1) this.counts[passed % BUCKETS] = 0;
    this.newest = Math.max(this.newest, bucket);
  }
}
