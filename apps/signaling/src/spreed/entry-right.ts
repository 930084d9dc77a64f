import type { DomainName, JsonObject, RobotId, TenantKey, TicketClaims } from '@parley/domain';
import type { SessionRecord } from '@parley/live';
import type { Identity } from '@parley/protocol-spreed-signaling';

/** By what right a session enters rooms. Kept with the session, so that every replica knows it after a resume. */
export type EntryRight =
  /** One of our join tickets: one opening of one room. */
  | { readonly kind: 'ticket'; readonly claims: TicketClaims }
  /** A foreign backend is asked about every room. */
  | {
      readonly kind: 'backend';
      readonly backendId: string;
      readonly requestUrl: string;
      /** Who the backend said it is; empty for guests, also when a room later gave them a name. */
      readonly userId: string;
    }
  /** Trusted; `backendId` when it belongs to a foreign backend. */
  | { readonly kind: 'internal'; readonly backendId: string | null }
  /** Enters none: it is handed what webhooks of its robot listen to. `keyMark` names the connect key it came with. */
  | { readonly kind: 'robot'; readonly robot: RobotId; readonly domain: DomainName; readonly keyMark: string };

/** Somebody who proved who they are. */
export interface Authenticated {
  readonly identity: Identity;
  readonly tenant: TenantKey;
  readonly displayName?: string;
  readonly user?: JsonObject;
  readonly right: EntryRight;
  /** How many sessions its tenant may have; absent: any number. */
  readonly sessionLimit?: number;
}

/** The right in a form the live layer keeps. */
export function rightToAttributes(right: EntryRight): JsonObject {
  // Rights are plain data: what comes back from JSON is what went in.
  return { right: JSON.parse(JSON.stringify(right)) as JsonObject };
}

/** Reads what {@link rightToAttributes} wrote, on this replica or another one. */
export function rightOf(record: SessionRecord): EntryRight {
  return record.attributes.right as unknown as EntryRight;
}
