import type { RegionRow } from '@parley/config';
import { brandAs, type RegionDirectory, type RegionEntry, type RegionId } from '@parley/domain';
import { every, type Background } from './background';
import type { Logger } from './logging';

/** Replicas are the router's own business. */
type KnownRow = Readonly<Omit<RegionRow, 'apiUrls' | 'signalingUrls'>>;

export interface RegionBookOptions {
  /** Rows of `PARLEY_REGIONS`: what is known before, and besides, the directory. */
  readonly rows: readonly KnownRow[];
  readonly directory: RegionDirectory;
  readonly logger: Logger;
  /** Told what is known now after every reading. */
  readonly onRead?: (regions: readonly RegionEntry[]) => void;
  /** Milliseconds on a clock that never jumps. */
  readonly now?: () => number;
  readonly everyMs?: number | undefined;
  /** How long what the directory said counts while it does not answer. */
  readonly keepMs?: number;
}

const EVERY_MS = 5_000;
const KEEP_MS = 24 * 3_600_000;

/**
 * The regions as this process knows them: those of the directory, read every 5 s and kept for 24 h while it does not
 * answer; regions that it does not have are taken from `PARLEY_REGIONS`.
 */
export class RegionBook {
  private readonly known: readonly RegionEntry[];
  private readonly loop: Background;
  private merged: readonly RegionEntry[];
  private readAt = -Infinity;
  private away = false;

  constructor(private readonly options: RegionBookOptions) {
    this.known = options.rows.map(regionOf);
    this.merged = this.known;
    this.loop = every('read regions', options.everyMs ?? EVERY_MS, () => this.refresh(), options.logger);
  }

  /** In the order of their numbers. */
  get regions(): readonly RegionEntry[] {
    return this.merged;
  }

  find(id: RegionId): RegionEntry | undefined {
    return this.merged.find((region) => region.id === id);
  }

  /** Reads the directory now. Never rejects. */
  async refresh(): Promise<void> {
    const now = this.options.now ?? (() => performance.now());
    try {
      const told = await this.options.directory.regions();
      this.merged = merge(told, this.known);
      this.readAt = now();
      this.report(false);
    } catch (error) {
      this.report(true, error);
      if (now() - this.readAt > (this.options.keepMs ?? KEEP_MS)) this.merged = this.known;
    }
    this.options.onRead?.(this.merged);
  }

  close(): Promise<void> {
    return this.loop.close();
  }

  /** An outage is one line, not one every five seconds. */
  private report(away: boolean, error?: unknown): void {
    if (away === this.away) return;
    this.away = away;
    if (away) this.options.logger.warn({ err: error }, 'the regions cannot be read from the directory');
    else this.options.logger.info('the regions are read from the directory again');
  }
}

/** What `PARLEY_REGIONS` says of a region, before an operator entered it into the directory. */
export function regionOf(row: KnownRow): RegionEntry {
  const { id, number, url, signalingUrl, latitude, longitude, group } = row;
  return {
    id: brandAs<RegionId>(id),
    number,
    apiUrl: url,
    signalingUrl: signalingUrl ?? url.replace(/^http/, 'ws'),
    position: latitude === undefined || longitude === undefined ? null : { latitude, longitude },
    group: group ?? null,
    state: 'serving',
    version: 0,
  };
}

function merge(told: readonly RegionEntry[], known: readonly RegionEntry[]): readonly RegionEntry[] {
  // A number belongs to one region; the directory knows better which.
  const missing = known.filter(
    ({ id, number }) => !told.some((region) => region.id === id || region.number === number),
  );
  return [...told, ...missing].sort((one, other) => one.number - other.number);
}
