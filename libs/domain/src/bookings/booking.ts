import type { BookingId, DomainName, RoomName } from '../kernel/ids';

/** Keeps visitors from opening a room until `validUntil`; the API may still open it. One per room. */
export interface Booking {
  readonly id: BookingId;
  readonly domain: DomainName;
  readonly roomName: RoomName;
  readonly validUntil: Date;
}

/** Whether there is a booking and it is still valid at `now`; an expired one counts as none. */
export function bookingHolds(booking: Booking | null, now: Date): booking is Booking {
  return booking !== null && booking.validUntil > now;
}

export interface BookingStore {
  /** The booking of that name, valid or not. */
  find(domain: DomainName, roomName: RoomName): Promise<Booking | null>;
  list(domain: DomainName): Promise<readonly Booking[]>;
  /** False when one that is still valid at `now` stands; an expired one is replaced. Atomic. */
  insert(booking: Booking, now: Date): Promise<boolean>;
  /** False when there is none that is valid at `now`. */
  update(domain: DomainName, roomName: RoomName, validUntil: Date, now: Date): Promise<boolean>;
  remove(domain: DomainName, roomName: RoomName): Promise<boolean>;
}
