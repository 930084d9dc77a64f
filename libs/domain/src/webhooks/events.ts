import type { DomainName, EventId, RoomName, RoomSessionId, WebhookId } from '../kernel/ids';
import type { RoomType } from '../rooms/room';

/** The events a back end can be told of. Hierarchical names of our own; protocols translate them. */
export const OUTBOX_EVENT_TYPES = [
  'room.created',
  'room.removed',
  'room.updated',
  'peer.joined',
  'peer.left',
  'host.joined',
  'booking.added',
  'booking.updated',
  'booking.removed',
  'booking.expired',
  /** To one webhook, because its owner asked for it. */
  'webhook.test',
  /** A webhook fails, or was warned, suspended or disabled. */
  'webhook.alert',
] as const;

export type OutboxEventType = (typeof OUTBOX_EVENT_TYPES)[number];

/** What a webhook that names no events is told: those of the xroom manual. */
export const DEFAULT_EVENTS: readonly OutboxEventType[] = ['room.created', 'room.removed'];

/** Why a webhook's owner is alerted. */
export const ALERT_REASONS = ['failing', 'warning', 'suspended', 'disabled', 'recovered'] as const;
export type AlertReason = (typeof ALERT_REASONS)[number];

/** A room as events tell of it. Its password and host key stand in the room alone, sealed, until an event is sent. */
type RoomFacts = { readonly type: RoomType; readonly capacity: number; readonly locked: boolean };

/** What is new about an open room; the rest is as it was. */
export type RoomChangeFacts = {
  readonly type?: RoomType;
  readonly capacity?: number;
  readonly locked?: boolean;
  /** It has a password, a new one perhaps; false: it has none any more. */
  readonly passwordSet?: boolean;
  readonly hostKeySet?: boolean;
};

/** `id`: the public session id. `isHost` says what they are in the room, `name` what they call themselves. */
type PeerFacts = { readonly id: string; readonly userId?: string; readonly name?: string; readonly isHost?: boolean };

/** `validUntil` in ISO 8601, UTC. */
type BookingFacts = { readonly id: string; readonly validUntil: string };

/** What is kept of each kind of event: facts and references, never secrets. */
export type EventPayloads = {
  readonly 'room.created': RoomFacts;
  readonly 'room.removed': Readonly<Record<never, never>>;
  readonly 'room.updated': RoomFacts & { readonly changes: RoomChangeFacts };
  readonly 'peer.joined': PeerFacts;
  readonly 'peer.left': PeerFacts;
  readonly 'host.joined': PeerFacts;
  readonly 'booking.added': BookingFacts;
  readonly 'booking.updated': BookingFacts;
  readonly 'booking.removed': BookingFacts;
  readonly 'booking.expired': BookingFacts;
  readonly 'webhook.test': Readonly<Record<never, never>>;
  /** The webhook it is about, and for `failing` how near it is to being disabled. */
  readonly 'webhook.alert': { readonly webhookId: number; readonly reason: AlertReason; readonly percent?: number };
};

interface EventPlace {
  readonly domain: DomainName;
  /** null: of the domain, not of one room. */
  readonly roomName: RoomName | null;
  /** null: of no opening, e.g. a booking. */
  readonly roomSessionId: RoomSessionId | null;
  /** Only this webhook is told. */
  readonly onlyWebhookId?: WebhookId;
  readonly occurredAt: Date;
}

/** An event to be written in the transaction of the change it tells of. */
export type NewOutboxEvent = {
  [Type in OutboxEventType]: EventPlace & { readonly type: Type; readonly payload: EventPayloads[Type] };
}[OutboxEventType];

export interface Outbox {
  /**
   * Takes the next `seq` of the room session, or of the room's name (the domain's, without one) when the event is of no
   * opening, and appends.
   */
  append(event: NewOutboxEvent): Promise<EventId>;
  /** Many of one opening at once, in order. */
  appendAll(room: RoomSessionId, events: readonly NewOutboxEvent[]): Promise<void>;
}
