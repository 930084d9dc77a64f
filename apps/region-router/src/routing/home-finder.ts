import { isIP } from 'node:net';
import { parseDomainName, type Directory, type DomainName, type RegionId } from '@parley/domain';
import type { CallTarget } from '@parley/protocol-xroom';
import type { RestTarget } from '../calls/rest-target';
import type { RegionTable } from '../region-table';
import type { Home } from './home';

/** What the headers say about a call's domain. */
export interface HeaderClues {
  /** `x-parley-domain` */
  readonly domain: string | undefined;
  /** `Host`, as received. */
  readonly host: string | undefined;
}

/** Finds the home region of a call: explicit domain, registered host, id, domain in the payload; first answer wins. */
export class HomeFinder {
  constructor(
    private readonly directory: Directory,
    private readonly table: RegionTable,
  ) {}

  /** The home that the headers name, before a byte of the body was read; undefined when they name none. */
  async byHeaders(clues: HeaderClues): Promise<Home | undefined> {
    const named = domainName(clues.domain);
    const explicit = named === undefined ? undefined : await this.ofDomain(named);
    if (explicit?.kind === 'region') return explicit;
    const host = hostName(clues.host);
    if (host === undefined || this.table.isFrontDoor(host)) return undefined;
    const registered = await this.directory.host(host);
    const home = registered === null ? undefined : await this.ofDomain(registered);
    return home?.kind === 'region' ? home : undefined;
  }

  /** The home that the payload names. */
  async byTarget(target: CallTarget | RestTarget, authId: string | undefined): Promise<Home> {
    switch (target.kind) {
      case 'domain':
        return this.ofDomain(target.domain);
      case 'webhook':
        return this.ofIssued('webhook', target.id);
      case 'robot':
        return this.ofIssued('robot', target.id);
      case 'issued':
        return this.table.find(target.region) === undefined
          ? { kind: 'anywhere' }
          : { kind: 'region', region: target.region, strict: false };
      case 'one-region':
        return this.oneOf(authId === undefined ? [] : await this.directory.regionsOf(authId));
      case 'account':
        return { kind: 'account', regions: authId === undefined ? [] : await this.directory.regionsOf(authId) };
      case 'unknown':
        return { kind: 'anywhere' };
    }
  }

  async ofDomain(domain: DomainName): Promise<Home> {
    const home = await this.directory.domain(domain);
    if (home === null) return { kind: 'anywhere' };
    return { kind: 'region', region: home.region, strict: home.strictResidency, domain };
  }

  /** An account is known wherever it has domains. */
  private oneOf(regions: readonly RegionId[]): Home {
    const own = this.table.own.id;
    return { kind: 'account', regions: regions.includes(own) ? [own] : regions.slice(0, 1) };
  }

  private async ofIssued(kind: 'webhook' | 'robot', id: number): Promise<Home> {
    // The id says enough when the directory is down: hardly any domain ever moves.
    const moved = await this.directory.movedId(kind, id).catch(() => null);
    const region = moved ?? this.table.issuerOf(id)?.id;
    return region === undefined ? { kind: 'anywhere' } : { kind: 'region', region, strict: false };
  }
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
