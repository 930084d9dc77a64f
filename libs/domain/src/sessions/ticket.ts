import type { DomainName, RegionId, RoomName, RoomSessionId } from '../kernel/ids';

/** How long a ticket may wait to be used, in seconds. */
export const TICKET_SECONDS = 60;

/**
 * What a join ticket says: the right to enter one opening of one room once, soon. Lock, capacity, password version and
 * booking are checked again at the door.
 */
export interface TicketClaims {
  /** Unique; accepted once. */
  readonly id: string;
  readonly region: RegionId;
  readonly room: RoomSessionId;
  readonly domain: DomainName;
  readonly roomName: RoomName;
  /** `host` when the host key was shown. */
  readonly role: 'host' | 'by-arrival';
  /** Password version it was made under; `exempt` when the host key was shown. */
  readonly passwordVersion: number | 'exempt';
  readonly userId: string;
  readonly displayName?: string;
}
