import type { DeliveryId, DomainName, EventId, RoomName, RoomSessionId, WebhookId } from '../kernel/ids';
import type { JsonObject } from '../kernel/json';
import type { OutboxEventType } from './events';

/** One event for one webhook. */
export interface DeliveryRecord {
  readonly id: DeliveryId;
  readonly webhookId: WebhookId;
  readonly eventId: EventId;
  readonly type: OutboxEventType;
  readonly domain: DomainName;
  readonly roomName: RoomName | null;
  readonly seq: number;
  /** Of its event; where it stands among those of the same time. */
  readonly position: bigint;
  readonly occurredAt: Date;
  /** `failed`: given up. */
  readonly state: 'pending' | 'sending' | 'delivered' | 'failed';
  readonly attempts: number;
  readonly nextAttemptAt: Date | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

/** One attempt to deliver. */
export interface DeliveryAttempt {
  readonly number: number;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** HTTP status; null: no answer. */
  readonly status: number | null;
  /** What it counts as, e.g. `delivered` or `timeout`. */
  readonly outcome: string;
  /** For people; null on success. */
  readonly error: string | null;
  readonly responseExcerpt: string | null;
}

export interface DeliveryFilter {
  readonly state?: DeliveryRecord['state'];
  readonly type?: OutboxEventType;
  readonly roomName?: RoomName;
  /** Made at or after it. */
  readonly since?: Date;
  /** Made before it. */
  readonly until?: Date;
}

/** A place in the list of deliveries, newest first. */
export type DeliveryPlace = Pick<DeliveryRecord, 'createdAt' | 'position'>;

export interface DeliveryPage {
  readonly deliveries: readonly DeliveryRecord[];
  /** Behind which the next page begins, also when nothing passed the filter; null: this is the last one. */
  readonly next: DeliveryPlace | null;
}

/** A stretch of time, and how far one call goes in it. */
export interface ResendRange {
  readonly since: Date;
  /** Exclusive. */
  readonly until: Date;
  /** Only events behind this position. */
  readonly after: bigint;
  readonly limit: number;
}

/** What was set to be sent. */
export interface Resent {
  readonly count: number;
  /** The position of the last one, when there may be more behind it. */
  readonly reached: bigint | null;
}

/** The log of deliveries. Resending starts a delivery's schedule anew; the attempts so far stay in its history. */
export interface DeliveryLog {
  /** Newest first, behind `after`. A page of one room or event may hold fewer than `limit` although more follow. */
  list(
    webhook: WebhookId,
    filter: DeliveryFilter,
    page: { readonly after: DeliveryPlace | null; readonly limit: number },
  ): Promise<DeliveryPage>;
  find(id: DeliveryId): Promise<DeliveryRecord | null>;
  /** Oldest first. */
  attempts(id: DeliveryId): Promise<readonly DeliveryAttempt[]>;
  /** Has it sent at once, whatever became of it before. One that is being sent just now stays as it is. */
  resend(id: DeliveryId): Promise<void>;
  /** Has those sent again that were given up, by when their events happened; in the order of the events. */
  recover(webhook: WebhookId, range: ResendRange): Promise<Resent>;
  /**
   * Has events of these types sent that concern the webhook, those that it got and those that it never got; in their
   * order.
   */
  replay(webhook: WebhookId, types: readonly OutboxEventType[], range: ResendRange): Promise<Resent>;
}

/** An event as the outbox holds it, without secrets. */
export interface LoggedEvent {
  readonly id: EventId;
  readonly type: OutboxEventType;
  readonly domain: DomainName;
  readonly roomName: RoomName | null;
  readonly roomSessionId: RoomSessionId | null;
  readonly seq: number;
  readonly occurredAt: Date;
  readonly payload: JsonObject;
}

export interface EventFilter {
  readonly types?: readonly OutboxEventType[];
  readonly roomName?: RoomName;
}

/**
 * A domain's events in the order of their positions. A position is given when the event is relayed, in an order in which
 * nothing appears behind what was read already: whoever reads on from the last one misses nothing.
 */
export interface EventLog {
  /**
   * Events behind `after`, at most `limit`.
   * @returns `reached`: from where to read on, also when nothing passed the filter
   */
  read(
    domain: DomainName,
    filter: EventFilter,
    page: { readonly after: bigint; readonly limit: number },
  ): Promise<{ readonly events: readonly LoggedEvent[]; readonly reached: bigint }>;
  /** The newest position of each of these domains; 0 for one without events. */
  heads(domains: readonly DomainName[]): Promise<ReadonlyMap<DomainName, bigint>>;
}
