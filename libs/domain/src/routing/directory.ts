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
  /** Regions where strictly resident domains are at home. */
  strictRegions(): Promise<readonly RegionId[]>;
}

/** What becomes of a region: `draining` serves what it has and gets nothing new, `down` is asked nothing at all. */
export type RegionState = 'serving' | 'draining' | 'down';

/** A region as all regions know it. */
export interface RegionEntry {
  readonly id: RegionId;
  /** Stands in every numeric id that it issues. */
  readonly number: number;
  /** Base URL of its front door. */
  readonly apiUrl: string;
  /** ws or wss base URL, without `/spreed`. */
  readonly signalingUrl: string;
  /** Degrees; null when nobody said. */
  readonly position: { readonly latitude: number; readonly longitude: number } | null;
  /** Regions of a group stand in for each other first. */
  readonly group: string | null;
  readonly state: RegionState;
  /** Rises with every change. */
  readonly version: number;
}

/** The regions that operators entered into the directory. Rejects when it cannot be asked. */
export interface RegionDirectory {
  /** In the order of their numbers. */
  regions(): Promise<readonly RegionEntry[]>;
}
