import type { RegionInfo } from '@parley/contracts';
import type { Rest } from './rest';

/** How regions are measured and when another one is worth the change. */
export const CHOICE = {
  /** The first sample pays for name, connection and TLS, and does not count. */
  samples: 3,
  probeTimeoutMs: 2_000,
  /** Another region has to be better by both. */
  betterMs: 15,
  betterShare: 0.2,
  keepMs: 30 * 60_000,
} as const;

export interface Chosen {
  readonly region: RegionInfo;
  /** The median round trip in milliseconds; undefined when nothing could be measured. */
  readonly roundTripMs: number | undefined;
}

/**
 * The region to choose: the nearest, unless the present one is not much worse. Regions without measurement come after those
 * with one; when there is none at all, the server's order counts.
 * @param measured round trips in milliseconds, by region id
 */
export function chooseRegion(
  regions: readonly RegionInfo[],
  measured: ReadonlyMap<string, number>,
  present: string | undefined,
): Chosen | undefined {
  const timed = regions.map((region) => ({ region, roundTripMs: measured.get(region.id) }));
  const rank = ({ roundTripMs }: Chosen) => roundTripMs ?? Infinity;
  const best = timed.reduce<Chosen | undefined>(
    (kept, one) => (kept && rank(kept) <= rank(one) ? kept : one),
    undefined,
  );
  const current = timed.find(({ region }) => region.id === present);
  if (best === undefined || current === undefined) return best;
  if (best.roundTripMs === undefined) return current;
  if (current.roundTripMs === undefined) return best;
  const gain = current.roundTripMs - best.roundTripMs;
  return gain >= CHOICE.betterMs && gain >= CHOICE.betterShare * current.roundTripMs ? best : current;
}

/** The middle one; of an even number the lower of the two. Undefined of none. */
export function median(values: readonly number[]): number | undefined {
  return [...values].sort((one, other) => one - other)[Math.floor((values.length - 1) / 2)];
}

/** Finds the region that is nearest to this client, and stays with it. */
export class RegionChooser {
  private chosen: Chosen | undefined;
  private chosenAt = -Infinity;
  private choosing: Promise<Chosen | undefined> | undefined;
  private roundTrips: ReadonlyMap<string, number> = new Map();

  /**
   * @param frontDoor where the list of regions is asked for
   * @param now milliseconds on a clock that does not jump
   */
  constructor(
    private readonly rest: Pick<Rest, 'regions' | 'ping'>,
    private readonly frontDoor: string,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** What was measured last: round trips in milliseconds, by region id. */
  get measured(): ReadonlyMap<string, number> {
    return this.roundTrips;
  }

  /** Measured at most every 30 minutes. Undefined when the list cannot be had, or nothing can be chosen. Never rejects. */
  async choose(): Promise<Chosen | undefined> {
    if (this.now() - this.chosenAt < CHOICE.keepMs) return this.chosen;
    this.choosing ??= this.measure().finally(() => (this.choosing = undefined));
    return this.choosing;
  }

  /** To be called when the network changed: what was measured does not count any more. */
  forget(): void {
    this.chosenAt = -Infinity;
  }

  private async measure(): Promise<Chosen | undefined> {
    const all = await this.rest.regions(this.frontDoor).catch(() => []);
    // Older servers say no `state`.
    const fit = all.filter(({ status, state }) => status === 'up' && state !== 'draining');
    const measured = new Map<string, number>();
    await Promise.all(
      fit.map(async ({ id, pingUrl }) => {
        const roundTrip = await this.roundTrip(pingUrl);
        if (roundTrip !== undefined) measured.set(id, roundTrip);
      }),
    );
    this.roundTrips = measured;
    const chosen = chooseRegion(fit, measured, this.chosen?.region.id);
    // Nothing to choose from is no choice to stay with: the next caller asks again.
    if (chosen !== undefined) this.chosenAt = this.now();
    return (this.chosen = chosen);
  }

  private async roundTrip(url: string): Promise<number | undefined> {
    const samples: number[] = [];
    try {
      for (let sample = 0; sample <= CHOICE.samples; sample += 1) {
        const began = this.now();
        await this.rest.ping(url, CHOICE.probeTimeoutMs);
        if (sample > 0) samples.push(this.now() - began);
      }
    } catch {
      // What was measured until then counts.
    }
    return median(samples);
  }
}
