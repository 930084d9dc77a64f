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
  /** False when one stands, valid or not: {@link takeExpiredOf} makes room. Atomic. */
  insert(booking: Booking): Promise<boolean>;
  /** The booking as it is now; null when there is none that is valid at `now`. */
  update(domain: DomainName, roomName: RoomName, validUntil: Date, now: Date): Promise<Booking | null>;
  /** What was removed; null when there is none that is valid at `now`. */
  remove(domain: DomainName, roomName: RoomName, now: Date): Promise<Booking | null>;
  /** Takes away the booking of that name that has expired at `now`, if there is one. */
  takeExpiredOf(domain: DomainName, roomName: RoomName, now: Date): Promise<Booking | null>;
  /** Takes away bookings that have expired at `now`, the longest expired first. Each is given to one caller only. */
  takeExpired(now: Date, limit: number): Promise<readonly Booking[]>;
}
