import type { DomainName, RegionId } from '../kernel/ids';

/** Where a domain is at home. */
export interface DomainHome {
  readonly region: RegionId;
  /** Rises when the domain moves to another region. */
  readonly epoch: number;
  /** Other regions answer 421 instead of passing calls on. */
  readonly strictResidency: boolean;
}

/** What every region knows about all domains: routing facts only, no data of theirs. Rejects when it cannot be asked. */
export interface Directory {
  domain(name: DomainName): Promise<DomainHome | null>;
  /** The domain a host name (lower case, without port) is registered for. */
  host(host: string): Promise<DomainName | null>;
  /** Regions where the account with this auth id has domains; empty when nobody knows it. */
  regionsOf(authId: string): Promise<readonly RegionId[]>;
  /** Where a numeric id lives if its domain left the region that issued it; null when it stayed. */
  movedId(kind: 'webhook' | 'robot', id: number): Promise<RegionId | null>;
}
