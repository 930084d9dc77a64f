import { Injectable } from '@nestjs/common';
import type { RegionInfo } from '@parley/contracts';
import { placeRegions, type PlacementWish, type RegionId } from '@parley/domain';
import { every, type Background, type Logger } from '@parley/server-kit';
import { distanceKm, type Position } from './nearness/position';
import type { ReplicaGroup } from './proxy/replicas';
import type { Region, RegionTable } from './region-table';

const PROBE_EVERY_MS = 5_000;
const PROBE_TIMEOUT_MS = 2_000;

export type RegionHealth = 'up' | 'draining' | 'down';

/** Which regions answer, as seen from here. */
@Injectable()
export class RegionStatus {
  private readonly down = new Set<string>();
  private readonly loop: Background;
  private readonly timeoutMs: number;

  constructor(
    private readonly table: RegionTable,
    private readonly groups: { readonly api: ReplicaGroup; readonly signaling: ReplicaGroup },
    logger: Logger,
    { everyMs = PROBE_EVERY_MS, timeoutMs = PROBE_TIMEOUT_MS }: { everyMs?: number; timeoutMs?: number } = {},
  ) {
    this.timeoutMs = timeoutMs;
    this.loop = every('probe regions', everyMs, () => this.probe(), logger);
  }

  /**
   * For somebody who is about there and says what they want or measured: those that can be chosen, the best first, then
   * draining ones, then those that do not answer. What operators took down is left out.
   */
  regions(from?: Position, wish: Pick<PlacementWish, 'asked' | 'measured'> = {}): readonly RegionInfo[] {
    const known = this.table.regions.filter(({ id }) => this.table.stateOf(id) !== 'down');
    const choices = known.map((region) => ({
      region,
      id: region.id,
      group: region.group ?? null,
      state: this.table.stateOf(region.id),
      alive: this.answers(region.id),
    }));
    const placed = placeRegions(choices, { ...wish, distance: from && distances(known, from) });
    const others = choices.filter((choice) => !placed.includes(choice));
    const rest = [...others.filter(({ alive }) => alive), ...others.filter(({ alive }) => !alive)];
    return [...placed, ...rest].map(({ region, state, alive }) => infoOf(region, state === 'draining', alive));
  }

  /**
   * This region as a whole. `down`: no api or no gateway is ready, or operators say so. `draining`: what is here is served,
   * nothing new is to come.
   */
  get own(): RegionHealth {
    const { api, signaling } = this.groups;
    const state = this.table.stateOf(this.table.own.id);
    if (state === 'down' || !api.anyHealthy || !signaling.anyHealthy) return 'down';
    return state === 'draining' ? 'draining' : 'up';
  }

  /** Asks the other regions' front doors now. */
  async probe(): Promise<void> {
    const others = this.table.regions.filter(({ id }) => id !== this.table.own.id);
    await Promise.all(
      others.map(async ({ id, url }) => {
        const signal = AbortSignal.timeout(this.timeoutMs);
        // Not /ping: its front door may answer while nothing behind it does.
        const up = await fetch(`${url}/health/region`, { signal, redirect: 'error' })
          .then(async (answer) => !isDown(await answer.json()))
          .catch(() => false);
        if (up) this.down.delete(id);
        else this.down.add(id);
      }),
    );
  }

  close(): Promise<void> {
    return this.loop.close();
  }

  private answers(id: string): boolean {
    return id === this.table.own.id ? this.own !== 'down' : !this.down.has(id);
  }
}

/** One that drains says 503 as well, and serves what it has. */
function isDown(told: unknown): boolean {
  return !(typeof told === 'object' && told !== null && 'status' in told) || told.status === 'down';
}

function distances(regions: readonly Region[], from: Position): ReadonlyMap<RegionId, number> {
  return new Map(
    regions.flatMap(({ id, position }): [RegionId, number][] => (position ? [[id, distanceKm(from, position)]] : [])),
  );
}

function infoOf({ id, url, signalingUrl, position, group }: Region, draining: boolean, alive: boolean): RegionInfo {
  return {
    id,
    url,
    signalingUrl: `${signalingUrl}/spreed`,
    pingUrl: `${url}/ping`,
    status: alive ? 'up' : 'down',
    state: draining ? 'draining' : 'serving',
    position: position ?? null,
    group: group ?? null,
  };
}
