import { bookingHolds } from '../bookings/booking';
import { DomainError } from '../kernel/domain-error';
import type { IdSource } from '../kernel/id-source';
import { brandAs, type RoomName, type RoomSessionId } from '../kernel/ids';
import type { Stores } from '../kernel/unit-of-work';
import type { ClosingTimes, Domain } from '../tenancy/tenancy';
import type { OpenedBy, Room, RoomType } from './room';

/** For this long a visitor cannot re-open a name whose last room had a host key or a password. */
export const RESERVED_HOURS = 24;

const HOST_KEY_BYTES = 16;

/** What an opening is made of. */
export interface Opening {
  readonly domain: Domain;
  readonly name: RoomName;
  readonly openedBy: OpenedBy;
  readonly type?: RoomType;
  readonly locked?: boolean;
  readonly password?: string;
  readonly hostKey?: string;
}

/** A new host key. */
export function newHostKey(ids: IdSource): string {
  return ids.random(HOST_KEY_BYTES);
}

/** A new opening, not stored yet. */
export function newRoom(opening: Opening, now: Date, ids: IdSource): Room {
  const { domain, name, openedBy, password, hostKey } = opening;
  return {
    id: brandAs<RoomSessionId>(`rs_${domain.region}_${ids.random(16)}`),
    domain: domain.name,
    name,
    openedBy,
    policy: {
      version: 1,
      type: opening.type ?? 'conference',
      locked: opening.locked ?? false,
      capacity: domain.capacity,
      passwordVersion: password === undefined ? 0 : 1,
      hasHostKey: hostKey !== undefined,
    },
    password: password ?? null,
    hostKey: hostKey ?? null,
    openedAt: now,
    closeAfter: after(now, closingTimes(domain, openedBy).unenteredSeconds),
  };
}

/** Stores a new opening and tells of it; false when one of that name is open. */
export async function storeOpening(stores: Stores, room: Room): Promise<boolean> {
  if (!(await stores.rooms.insert(room))) return false;
  const { type, capacity, locked } = room.policy;
  await stores.outbox.append({
    type: 'room.created',
    domain: room.domain,
    roomName: room.name,
    roomSessionId: room.id,
    payload: { type, capacity, locked },
    occurredAt: room.openedAt,
  });
  return true;
}

/**
 * Whether a visitor may open this name now.
 * @throws DomainError room_booked, room_not_found (the domain's visitors open nothing), entry_not_allowed (its names belong
 * to a foreign backend: whoever opened one first would sit in its rooms), room_reserved
 */
export async function assertVisitorMayOpen(stores: Stores, domain: Domain, name: RoomName, now: Date): Promise<void> {
  if (bookingHolds(await stores.bookings.find(domain.name, name), now)) throw roomBooked();
  if (!domain.visitorsMayOpen) throw roomNotFound();
  if (await stores.tenancy.keepsVisitorsOut(domain.name)) throw entryNotAllowed();
  const since = new Date(now.getTime() - RESERVED_HOURS * 3_600_000);
  if (await stores.rooms.wasProtectedSince(domain.name, name, since)) {
    throw new DomainError(
      'room_reserved',
      'The last room of this name was protected; only its owner can open it again.',
    );
  }
}

/**
 * Whether people with tickets of ours may enter this open room. Who comes into a foreign backend's room is decided by that
 * backend, unless it leaves the door open.
 * @throws DomainError entry_not_allowed
 */
export async function assertVisitorsMayEnter(stores: Stores, room: Room): Promise<void> {
  if (room.openedBy === 'backend' && (await stores.tenancy.keepsVisitorsOut(room.domain))) throw entryNotAllowed();
}

/** How long a room may stand empty. Rooms of a foreign backend follow the visitors' times: nobody announces their end. */
export function closingTimes(domain: Domain, openedBy: OpenedBy): ClosingTimes {
  return openedBy === 'api' ? domain.apiRooms : domain.visitorRooms;
}

/** `seconds` after `now`; null stays null: never. */
export function after(now: Date, seconds: number | null): Date | null {
  return seconds === null ? null : new Date(now.getTime() + seconds * 1_000);
}

export function roomNotFound(): DomainError {
  return new DomainError('room_not_found', 'There is no such room.');
}

function entryNotAllowed(): DomainError {
  return new DomainError('entry_not_allowed', 'Only people of the backend that the room belongs to may enter.');
}

export function roomBooked(): DomainError {
  return new DomainError('room_booked', 'The room is booked and not open yet.');
}

export function roomClosing(): DomainError {
  return new DomainError('room_closing', 'The room is just being closed.', { retryAfterSeconds: 1 });
}
