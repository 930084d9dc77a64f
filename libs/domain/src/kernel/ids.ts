/**
 * Branded identifiers. A plain string never passes where one of these is asked for, so a room name cannot be taken
 * for a room session.
 */
declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** Account, `acc_…`. */
export type AccountId = Branded<string, 'AccountId'>;
/** A domain's name in lower case, e.g. `chat.example.org`: what rooms are named under. */
export type DomainName = Branded<string, 'DomainName'>;
/** The name of a room inside its domain. */
export type RoomName = Branded<string, 'RoomName'>;
/** One opening of a room, `rs_<region>_…`. A closed room that is opened again gets a new one. */
export type RoomSessionId = Branded<string, 'RoomSessionId'>;
/** The public id of a live session: how others address it. Never resumable. */
export type SessionId = Branded<string, 'SessionId'>;
/** One process of the signaling gateway. A restarted process is another replica. */
export type ReplicaId = Branded<string, 'ReplicaId'>;
/** A region, e.g. `eu-1`. */
export type RegionId = Branded<string, 'RegionId'>;
/** Numeric id of a webhook: `counter * 1024 + region number`. */
export type WebhookId = Branded<number, 'WebhookId'>;
/** A committed event waiting in the outbox, `evt_…`. */
export type EventId = Branded<string, 'EventId'>;
/** One event for one webhook, `dlv_…`. */
export type DeliveryId = Branded<string, 'DeliveryId'>;
/** Numeric id of a robot, an account's automaton that is told events over the gateway: as webhook ids. */
export type RobotId = Branded<number, 'RobotId'>;
/** A bearer key of an account, `ak_…`; the id, not the key. */
export type AccountKeyId = Branded<string, 'AccountKeyId'>;
/** A booking, `bk_…`. */
export type BookingId = Branded<string, 'BookingId'>;
/**
 * What separates sessions: sessions of different tenants can never reach or see each other. `domain:<name>` for our own
 * tickets, `backend:<id>` for a foreign backend.
 */
export type TenantKey = Branded<string, 'TenantKey'>;

/** Gives a checked string or number its brand. The only cast to a branded id stands here. */
export function brandAs<Id extends Branded<string | number, string>>(value: Id extends string ? string : number): Id {
  return value as unknown as Id;
}

/** How many regions numeric ids have room for (see {@link numericId}). */
export const REGION_NUMBERS = 1024;

/** Numeric id that carries its issuing region. */
export function numericId(counter: number, regionNumber: number): number {
  return counter * REGION_NUMBERS + regionNumber;
}

/** The number of the region that issued a numeric id. */
export function regionNumberOf(id: number): number {
  return id % REGION_NUMBERS;
}
