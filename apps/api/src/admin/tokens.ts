import type { BackendNaming, DomainName } from '@parley/domain';

/** Injection token of the operators' {@link AdminStore}. */
export const ADMIN_STORE = Symbol('parley.admin-store');

/** What follows a change of a backend. Neither throws: the change itself is done. */
export interface BackendFollowUp {
  /** Tells the gateways. */
  changed(): Promise<void>;
  /** Closes what a removed one has open. */
  closeRooms(removed: BackendNaming & { readonly domain: DomainName }): Promise<void>;
}

/** What follows a change of a domain. Does not throw: the change itself is done. */
export interface DomainFollowUp {
  /** Has it hold for the rooms that are open. */
  capacityChanged(domain: DomainName, capacity: number): Promise<void>;
}

/** Injection token of the {@link DomainFollowUp}. */
export const DOMAIN_FOLLOW_UP = Symbol('parley.domain-follow-up');

/** Injection token of the {@link BackendFollowUp}. */
export const BACKEND_FOLLOW_UP = Symbol('parley.backend-follow-up');
