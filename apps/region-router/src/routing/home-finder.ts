import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { parseDomainName, type DomainName, type RegionId } from '@parley/domain';
import type { CallTarget } from '@parley/protocol-xroom';
import type { CachedDirectory } from '../directory/cached-directory';
import type { RegionTable } from '../region-table';
import type { RestClues } from './clues';
import type { Home } from './home';
import type { Residency, Thing } from './residency';

/** In refusals of an api: the domain whose home is to be asked, or the region. */
export const REFUSED_DOMAIN_HEADER = 'x-parley-refused-domain';
const REFUSED_REGION_HEADER = 'x-parley-refused-region';

/** No account's auth id is longer, in characters. What callers make up is remembered, and must not fill the memory. */
const MAX_AUTH_ID = 128;

/** What the headers say about a call's domain. */
export interface HeaderClues {
  /** `x-parley-domain` */
  readonly domain: string | undefined;
  /** `Host`, as received. */
  readonly host: string | undefined;
  /** As of which move another router of ours knew the domain. */
  readonly epoch?: number | undefined;
}

/** What the headers settle. */
export interface HeaderFinding {
  readonly home?: Home;
  /** The directory could not be asked about the host: nothing else may be taken for "anywhere". */
  readonly blind: boolean;
}

type Found = Extract<Home, { kind: 'region' }>;

/** The directory did not answer. */
interface Unasked {
  readonly kind: 'unasked';
  readonly error: unknown;
}

/** Finds the home region of a call: explicit domain or host, id or key, domain in the payload; first answer wins. */
export class HomeFinder {
  constructor(
    private readonly directory: Pick<CachedDirectory, 'domain' | 'refreshDomain' | 'host' | 'regionsOf' | 'movedId'>,
    private readonly table: RegionTable,
    private readonly residency: Pick<Residency, 'mayBeIn' | 'strictHomeOf'>,
  ) {}

  /** The home that the headers name, before a byte of the body was read. */
  async byHeaders(clues: HeaderClues): Promise<HeaderFinding> {
    const named = domainName(clues.domain);
    const explicit = named === undefined ? undefined : await this.ofDomain(named, clues.epoch);
    if (explicit?.kind === 'region') return { home: explicit, blind: false };
    const regional = this.regionalHost(clues.host);
    if (regional !== undefined) return { home: regional, blind: false };
    const host = hostName(clues.host);
    if (host === undefined || this.table.isFrontDoor(host)) return { blind: false };
    // Hardly any host is registered: an outage must not stop what ids and domains tell.
    const registered = await this.directory.host(host).catch(() => undefined);
    if (registered === undefined) return { blind: true };
    const home = registered === null ? undefined : await this.ofDomain(registered);
    return home?.kind === 'region' ? { home, blind: false } : { blind: false };
  }

  /** The home that an xroom call's payload names. */
  async byTarget(target: CallTarget, authId: string | undefined): Promise<Home> {
    switch (target.kind) {
      case 'domain': {
        const home = await this.ofDomain(target.domain);
        return home.kind === 'anywhere' ? this.knownIn(authId) : home;
      }
      case 'webhook':
        return (await this.ofId('webhook', target.id)) ?? { kind: 'anywhere' };
      case 'account':
        return this.ofAccount(authId, true);
      case 'unknown':
        return { kind: 'anywhere' };
    }
  }

  /**
   * The home of a call to the REST API: by id or domain in its target, then by the domain in its body, then by its key.
   * @param list the call lists what the account has, and so concerns all its regions
   */
  async byRest(
    clues: RestClues,
    call: { readonly inBody: DomainName | undefined; readonly authId: string | undefined; readonly list: boolean },
  ): Promise<Home> {
    const inTarget = domainName(clues.domain);
    const [ofTarget, ofBody] = await Promise.all([this.tryDomain(inTarget), this.tryDomain(call.inBody)]);
    // What is strictly resident is told nobody else, whatever else the call shows.
    const strict = [ofTarget, ofBody].find((home) => home?.kind === 'region' && home.strict);
    if (strict?.kind === 'region') return strict;
    const { numeric, bearer } = clues;
    const byId = numeric === undefined ? await this.ofText(clues) : await this.ofId(numeric.kind, numeric.id);
    const byKey = this.ofRegion(bearer);
    const named = inTarget ?? call.inBody;
    const unasked = [ofTarget, ofBody].find((home) => home?.kind === 'unasked');
    const found = [byId, ofTarget, ofBody, byKey].find((home) => home?.kind === 'region');
    if (found?.kind === 'region') {
      // The directory did not say what the domain is; the key's region may be its home.
      const inDoubt = found === byKey && unasked !== undefined && named !== undefined;
      return inDoubt ? this.unlessStrict(byKey, { kind: 'domain', id: named }) : found;
    }
    if (unasked?.kind === 'unasked') throw unasked.error;
    return named === undefined ? this.ofAccount(call.authId, call.list) : { kind: 'anywhere' };
  }

  /**
   * The home of a call that names nothing, found by its key, its account or a regional host: it may concern a strictly
   * resident domain all the same, so that it is not sent where such are at home.
   */
  async unnamed(home: Home): Promise<Home> {
    const region = regionWithoutName(home, this.table.own.id);
    if (region === undefined || !(await this.residency.mayBeIn(region))) return home;
    return { kind: 'region', region, strict: true };
  }

  /** An outage of the directory counts only when nothing else says where a call belongs. */
  private tryDomain(name: DomainName | undefined): Promise<Home | Unasked> | undefined {
    return name === undefined
      ? undefined
      : this.ofDomain(name).catch((error: unknown): Unasked => ({ kind: 'unasked', error }));
  }

  /**
   * @param epoch as of which move another router, which sent the call here, knew it: when we know it otherwise, one of us
   *   is behind
   */
  async ofDomain(domain: DomainName, epoch?: number): Promise<Home> {
    const known = await this.directory.domain(domain);
    if (epoch === undefined || known?.epoch === epoch) return homeOf(domain, known);
    const now = await this.directory.refreshDomain(domain);
    // It is our copy that is behind. The api here knows for certain whether this is the new home.
    if (now !== null && now.epoch < epoch) return homeOf(domain, { ...now, region: this.table.own.id, epoch });
    return homeOf(domain, now);
  }

  /** As {@link ofDomain}, asking the directory itself. */
  async anew(domain: DomainName): Promise<Home> {
    return homeOf(domain, await this.directory.refreshDomain(domain));
  }

  /**
   * Where an api that refused a call says that it belongs: to the home of a domain, which the directory knows best, or to a
   * region.
   */
  async asTold(headers: IncomingHttpHeaders): Promise<Found | undefined> {
    const domain = domainName(headers[REFUSED_DOMAIN_HEADER]?.toString());
    const now = domain === undefined ? undefined : await this.anew(domain).catch(() => undefined);
    return now?.kind === 'region' ? now : this.ofRegion(headers[REFUSED_REGION_HEADER]?.toString());
  }

  /** All of these regions, which have a part of a list each. */
  everywhere(regions: readonly string[]): Home {
    return { kind: 'account', regions: regions.flatMap((id) => this.table.find(id)?.id ?? []), list: true };
  }

  private async ofId(kind: 'webhook' | 'robot', id: number): Promise<Found | undefined> {
    // The id says enough when the directory is down: hardly any domain ever moves.
    const moved = await this.directory.movedId(kind, id).catch(() => null);
    const region = moved ?? this.table.issuerOf(id)?.id;
    if (region === undefined) return undefined;
    return this.unlessStrict({ kind: 'region', region, strict: false }, { kind, id: String(id) });
  }

  private async ofText({ issuer, delivery }: RestClues): Promise<Found | undefined> {
    const home = this.ofRegion(issuer);
    return home === undefined || delivery === undefined
      ? home
      : this.unlessStrict(home, { kind: 'delivery', id: delivery });
  }

  /** @throws RegionSilent */
  private async unlessStrict(home: Found, thing: Thing): Promise<Found> {
    return (await this.residency.strictHomeOf(home.region, thing)) ?? home;
  }

  /** A region that an id or a key names; undefined when there is none of that name. */
  private ofRegion(name: string | undefined): Found | undefined {
    const region = name === undefined ? undefined : this.table.find(name)?.id;
    return region === undefined ? undefined : { kind: 'region', region, strict: false };
  }

  /** Where an account is known: there it is told that nobody knows the domain it named, elsewhere that its key is wrong. */
  private async knownIn(authId: string | undefined): Promise<Home> {
    const home = await this.ofAccount(authId, false);
    return home.kind === 'account' && home.regions.length === 0 ? { kind: 'anywhere' } : this.unnamed(home);
  }

  private async ofAccount(authId: string | undefined, list: boolean): Promise<Home> {
    const named = authId !== undefined && authId.length <= MAX_AUTH_ID;
    return { kind: 'account', regions: named ? await this.directory.regionsOf(authId) : [], list };
  }

  /** Another region's own host. Ours says nothing: it is where most callers send everything. */
  private regionalHost(host: string | undefined): Found | undefined {
    const region = host === undefined ? undefined : this.table.byHost(host)?.id;
    return region === undefined || region === this.table.own.id ? undefined : { kind: 'region', region, strict: false };
  }
}

/** The region that a call would go to without anybody knowing which domain it concerns. */
function regionWithoutName(home: Home, own: RegionId): RegionId | undefined {
  if (home.kind === 'region') return home.domain === undefined ? home.region : undefined;
  return home.kind === 'account' && !home.list && !home.regions.includes(own) ? home.regions[0] : undefined;
}

function homeOf(domain: DomainName, home: Awaited<ReturnType<CachedDirectory['domain']>>): Home {
  if (home === null) return { kind: 'anywhere' };
  return { kind: 'region', region: home.region, strict: home.strictResidency, domain, epoch: home.epoch };
}

function domainName(text: string | undefined): DomainName | undefined {
  const name = parseDomainName(text?.trim() ?? '');
  return name.ok ? name.value : undefined;
}

/** A host name without port; undefined for addresses and `localhost`, which nobody can register. */
export function hostName(host: string | undefined): string | undefined {
  const name = host?.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
  if (name === undefined || name === '' || name.length > 253 || name === 'localhost') return undefined;
  return isIP(name.replace(/^\[|\]$/g, '')) === 0 ? name : undefined;
}
