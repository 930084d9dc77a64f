import type { DomainName, RoomName, WebhookId } from '../kernel/ids';
import { DEFAULT_EVENTS, type OutboxEventType } from './events';

/** `fifo`: a room's events one after the other, each waits for the one before; `unordered`: as fast as they can be. */
export type WebhookOrder = 'unordered' | 'fifo';

/**
 * Whether a webhook is told things. `active` and `warning` are; for `pending` (once it has proved itself), `suspended`
 * and `paused` deliveries wait; for `disabled` ones none are made.
 */
export type WebhookState =
  /** It has not proved itself yet where its URL leads now. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'active' }
  /** So many re-validations in a row failed. */
  | { readonly kind: 'warning'; readonly failedValidations: number }
  /** Three re-validations in a row failed. */
  | { readonly kind: 'suspended'; readonly since: Date }
  /** By its owner. */
  | { readonly kind: 'paused'; readonly since: Date }
  /** By us: its receiver said 410, or failed for too long. */
  | { readonly kind: 'disabled'; readonly since: Date; readonly reason: string };

/** What decides on the state of a webhook. */
export interface WebhookStanding {
  readonly validated: boolean;
  readonly failedValidations: number;
  readonly suspendedAt: Date | null;
  readonly pausedAt: Date | null;
  readonly disabledAt: Date | null;
  readonly disabledReason: string | null;
}

/** The state that tells most: what has to be put right first. */
export function webhookState(standing: WebhookStanding): WebhookState {
  const { validated, failedValidations, suspendedAt, pausedAt, disabledAt, disabledReason } = standing;
  if (disabledAt !== null) return { kind: 'disabled', since: disabledAt, reason: disabledReason ?? '' };
  if (suspendedAt !== null) return { kind: 'suspended', since: suspendedAt };
  if (pausedAt !== null) return { kind: 'paused', since: pausedAt };
  if (!validated) return { kind: 'pending' };
  return failedValidations > 0 ? { kind: 'warning', failedValidations } : { kind: 'active' };
}

/** Who is told of a domain's events: a URL, or a robot that is summoned. */
export interface Webhook {
  readonly id: WebhookId;
  readonly domain: DomainName;
  /** Only events of this room; null: all rooms of the domain. */
  readonly roomName: RoomName | null;
  readonly target:
    { readonly type: 'url'; readonly url: string } | { readonly type: 'robot'; readonly robotId: number };
  /** The kinds of events it is told of. */
  readonly events: readonly OutboxEventType[];
  readonly order: WebhookOrder;
  /** Every payload says event id, room session, seq and time; else those of the xroom manual are exactly as there. */
  readonly detailed: boolean;
  /** It has proved that it knows the domain's webhook key (robots need no proof). Only then it is told anything. */
  readonly validated: boolean;
  readonly state: WebhookState;
}

/** A webhook to be added; see {@link withWebhookDefaults} for what is absent. */
export type NewWebhook = Pick<Webhook, 'domain' | 'target'> &
  Partial<Pick<Webhook, 'roomName' | 'events' | 'order' | 'detailed'>>;

/** What is not said is as the xroom manual knows it. */
export function withWebhookDefaults(webhook: NewWebhook): Required<NewWebhook> {
  return {
    domain: webhook.domain,
    target: webhook.target,
    roomName: webhook.roomName ?? null,
    events: webhook.events ?? DEFAULT_EVENTS,
    order: webhook.order ?? 'unordered',
    detailed: webhook.detailed ?? false,
  };
}

export interface WebhookStore {
  /** Gives it its id, which carries the region. A robot is validated from the start. A URL's handshake is due at `now`. */
  insert(webhook: NewWebhook, now: Date): Promise<Webhook>;
  find(id: WebhookId): Promise<Webhook | null>;
  list(domain: DomainName, filter: { token?: string; validated?: boolean }): Promise<readonly Webhook[]>;
  remove(id: WebhookId, now: Date): Promise<boolean>;
  /** Makes its handshake due now. `validated` stays as it is until the answer. */
  requestValidation(id: WebhookId, now: Date): Promise<void>;
  /** What came of the handshake that was asked for last; null while it is not known. */
  handshakeOutcome(id: WebhookId): Promise<{ validated: boolean } | null>;
}
