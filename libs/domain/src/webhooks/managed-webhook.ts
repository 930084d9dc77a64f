import type { DomainName, RoomName, WebhookId } from '../kernel/ids';
import type { OutboxEventType } from './events';
import type { Webhook, WebhookOrder } from './webhook';

/** A webhook with everything its owner may know of it. */
export interface ManagedWebhook extends Webhook {
  /** Re-validations in a row that failed. */
  readonly failedValidations: number;
  readonly lastValidationAt: Date | null;
  readonly lastValidationError: string | null;
  readonly nextValidationAt: Date | null;
  /** Somebody asked for a handshake, and its outcome is not known yet. */
  readonly handshakeAwaited: boolean;
  /** It once proved itself: from then on events wait for it while it is held back. */
  readonly provenAt: Date | null;
  readonly suspendedAt: Date | null;
  readonly pausedAt: Date | null;
  readonly disabledAt: Date | null;
  readonly disabledReason: string | null;
  readonly breaker: 'closed' | 'open' | 'half_open';
  /** The highest alert since it was well: how near it is to being disabled, in percent. */
  readonly alertedPercent: number;
  readonly createdAt: Date;
}

/** How a webhook's deliveries fare; of what waits, and of what was made in the last day, 100,000 are counted at most. */
export interface DeliveryFigures {
  /** Not finished, those that wait for their next attempt included. */
  readonly waiting: number;
  readonly oldestWaitingSince: Date | null;
  readonly deliveredLastDay: number;
  /** Given up. */
  readonly failedLastDay: number;
}

/** Why a handshake was made. */
export type ValidationCause = 'added' | 'url_changed' | 'requested' | 'periodic';

/** One handshake. */
export interface ValidationRecord {
  readonly id: string;
  readonly cause: ValidationCause;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly passed: boolean;
  /** null: no answer. */
  readonly status: number | null;
  readonly error: string | null;
}

/** What is to be changed of a webhook; what is absent stays. */
export interface WebhookChanges {
  /** It has to prove itself anew: it is not told anything until then, and what happens meanwhile waits for it. */
  readonly url?: string;
  readonly roomName?: RoomName | null;
  readonly events?: readonly OutboxEventType[];
  readonly order?: WebhookOrder;
}

/** Webhooks as their owners manage them. None of it finds a webhook that was removed. */
export interface ManagedWebhookStore {
  find(id: WebhookId): Promise<ManagedWebhook | null>;
  /** Oldest first. */
  list(domain: DomainName): Promise<readonly ManagedWebhook[]>;
  change(id: WebhookId, changes: WebhookChanges, now: Date): Promise<void>;
  /** One that is paused already stays paused since then. */
  pause(id: WebhookId, now: Date): Promise<void>;
  /** Ends its pause and lifts its disabling: what went wrong before does not count any more. */
  resume(id: WebhookId, now: Date): Promise<void>;
  figures(id: WebhookId, now: Date): Promise<DeliveryFigures>;
  /** Its handshakes, newest first. */
  validations(id: WebhookId, limit: number): Promise<readonly ValidationRecord[]>;
}
