import { parseDomainName, type RegionId } from '@parley/domain';
import type { CachedDirectory } from '../directory/cached-directory';
import type { Home } from './home';

/** What a call names that only the region which has it can tell the domain of. */
export interface Thing {
  /** `domain`: one that the directory could not be asked about. */
  readonly kind: 'domain' | 'webhook' | 'robot' | 'delivery';
  readonly id: string;
}

/** Whose a thing is, as the region that has it says. */
export interface Owner {
  readonly domain: string;
  readonly strict: boolean;
}

/** A region did not say whose a thing is. */
export class RegionSilent extends Error {
  constructor(
    readonly region: RegionId,
    cause: unknown,
  ) {
    super(`the region ${region} did not answer`, { cause });
    this.name = 'RegionSilent';
  }
}

/** As long as the directory's answers, in milliseconds. */
const KNOWN_MS = 60_000;
const MAX_KNOWN = 50_000;

type StrictHome = Extract<Home, { kind: 'region' }> & { readonly strict: true };

/**
 * Which calls concern strictly resident domains although they do not name one. Where the directory knows none at home, none
 * do. Otherwise the region that issued an id is asked whose it is: the id alone goes there, nothing else of the call.
 */
export class Residency {
  private readonly owners = new Map<string, { readonly owner: Owner | null; readonly until: number }>();

  /**
   * @param ask null: nobody has it; rejects with {@link RegionSilent}
   * @param now milliseconds on a clock that never jumps
   */
  constructor(
    private readonly directory: Pick<CachedDirectory, 'domain' | 'strictRegions'>,
    private readonly own: RegionId,
    private readonly ask: (region: RegionId, thing: Thing) => Promise<Owner | null>,
    private readonly now: () => number,
  ) {}

  /** Whether strictly resident domains are, or as far as anybody knows may be, at home in another region. */
  async mayBeIn(region: RegionId): Promise<boolean> {
    if (region === this.own) return false;
    const regions = await this.directory.strictRegions().catch(() => undefined);
    return regions === undefined || regions.includes(region);
  }

  /**
   * The home of the strictly resident domain that a thing belongs to; undefined when it belongs to none.
   * @throws RegionSilent
   */
  async strictHomeOf(region: RegionId, thing: Thing): Promise<StrictHome | undefined> {
    if (!(await this.mayBeIn(region))) return undefined;
    const owner = await this.ownerOf(region, thing);
    const name = parseDomainName(owner?.domain ?? '');
    if (owner === null || !name.ok) return undefined;
    // It may have moved on from there, or have been made strict since.
    const known = await this.directory.domain(name.value).catch(() => null);
    const isStrict = known?.strictResidency ?? owner.strict;
    return isStrict ? { kind: 'region', region: known?.region ?? region, strict: true } : undefined;
  }

  private async ownerOf(region: RegionId, thing: Thing): Promise<Owner | null> {
    const key = `${region} ${thing.kind} ${thing.id}`;
    const known = this.owners.get(key);
    if (known !== undefined && known.until > this.now()) return known.owner;
    const owner = await this.ask(region, thing);
    this.owners.delete(key);
    this.owners.set(key, { owner, until: this.now() + KNOWN_MS });
    const oldest = this.owners.size > MAX_KNOWN ? this.owners.keys().next().value : undefined;
    if (oldest !== undefined) this.owners.delete(oldest);
    return owner;
  }
}
