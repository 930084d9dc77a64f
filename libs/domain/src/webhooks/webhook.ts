import type { DomainName, EventId, RoomName, RoomSessionId, WebhookId } from '../kernel/ids';
import type { JsonObject } from '../kernel/json';

/** Who is told of a domain's events: a URL, or a robot that is summoned. */
export interface Webhook {
  readonly id: WebhookId;
  readonly domain: DomainName;
  /** Only events of this room; null: all rooms of the domain. */
  readonly roomName: RoomName | null;
  readonly target:
    { readonly type: 'url'; readonly url: string } | { readonly type: 'robot'; readonly robotId: number };
  /** It has proved that it knows the domain's webhook key (robots need no proof). Only then it is told anything. */
  readonly validated: boolean;
}

export interface NewWebhook {
  readonly domain: DomainName;
  readonly roomName: RoomName | null;
  readonly target: Webhook['target'];
}

export interface WebhookStore {
  /** Gives it its id, which carries the region. A robot is validated from the start. A URL's handshake is due at `now`. */
  insert(webhook: NewWebhook, now: Date): Promise<Webhook>;
  find(id: WebhookId): Promise<Webhook | null>;
  list(domain: DomainName, filter: { token?: string; validated?: boolean }): Promise<readonly Webhook[]>;
  remove(id: WebhookId, now: Date): Promise<boolean>;
  /** Makes its handshake due now. `validated` stays as it is until the answer. */
  requestValidation(id: WebhookId, now: Date): Promise<void>;
  /** The outcome of the newest handshake since `since`, or since it was last asked for; null while there is none. */
  validationSince(id: WebhookId, since: Date): Promise<{ validated: boolean } | null>;
}

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

/** An event to be written in the transaction of the change it tells of. Facts and references, never secrets. */
export interface NewOutboxEvent {
  readonly type: OutboxEventType;
  readonly domain: DomainName;
  readonly roomName: RoomName;
  readonly roomSessionId: RoomSessionId;
  readonly payload: JsonObject;
  readonly occurredAt: Date;
}

export interface Outbox {
  /** Takes the room session's next `seq` and appends. */
  append(event: NewOutboxEvent): Promise<EventId>;
}
