import type {
  AccountKeyView,
  AttemptView,
  DeliveryView,
  EventName,
  WebhookDetailsView,
  WebhookValidationView,
  WebhookView,
} from '@parley/contracts';
import type {
  AccountKey,
  DeliveryAttempt,
  DeliveryFigures,
  DeliveryRecord,
  ManagedWebhook,
  OutboxEventType,
  ValidationRecord,
} from '@parley/domain';
import { WEBHOOK_EVENT_NAMES } from '@parley/protocol-xroom';

/** Times as ISO texts, events by their names outside; only what the contract names. */
export function webhookView(webhook: ManagedWebhook): WebhookView {
  const { target } = webhook;
  return {
    id: webhook.id,
    domain: webhook.domain,
    type: target.type,
    url: target.type === 'url' ? target.url : null,
    robotId: target.type === 'robot' ? target.robotId : null,
    roomName: webhook.roomName,
    events: webhook.events.map(eventName),
    order: webhook.order,
    state: webhook.state.kind,
    validated: webhook.validated,
    failedValidations: webhook.failedValidations,
    lastValidationAt: iso(webhook.lastValidationAt),
    lastValidationError: webhook.lastValidationError,
    nextValidationAt: iso(webhook.nextValidationAt),
    suspendedAt: iso(webhook.suspendedAt),
    pausedAt: iso(webhook.pausedAt),
    disabledAt: iso(webhook.disabledAt),
    disabledReason: webhook.disabledReason,
    breaker: webhook.breaker,
    failingPercent: webhook.alertedPercent,
    detailed: webhook.detailed,
    createdAt: webhook.createdAt.toISOString(),
  };
}

export function webhookDetailsView(webhook: ManagedWebhook, figures: DeliveryFigures): WebhookDetailsView {
  const { waiting, oldestWaitingSince, deliveredLastDay, failedLastDay } = figures;
  const deliveries = { waiting, oldestWaitingSince: iso(oldestWaitingSince), deliveredLastDay, failedLastDay };
  return { ...webhookView(webhook), deliveries };
}

export function validationView({ startedAt, ...record }: ValidationRecord): WebhookValidationView {
  return { ...record, startedAt: startedAt.toISOString() };
}

export function deliveryView(delivery: DeliveryRecord): DeliveryView {
  return {
    id: delivery.id,
    webhookId: delivery.webhookId,
    eventId: delivery.eventId,
    event: eventName(delivery.type),
    domain: delivery.domain,
    roomName: delivery.roomName,
    seq: delivery.seq,
    occurredAt: delivery.occurredAt.toISOString(),
    state: delivery.state,
    attempts: delivery.attempts,
    nextAttemptAt: iso(delivery.nextAttemptAt),
    createdAt: delivery.createdAt.toISOString(),
    finishedAt: iso(delivery.finishedAt),
  };
}

export function attemptView({ startedAt, ...attempt }: DeliveryAttempt): AttemptView {
  return { ...attempt, startedAt: startedAt.toISOString() };
}

export function accountKeyView({ id, name, createdAt, lastUsedAt, revokedAt }: AccountKey): AccountKeyView {
  return { id, name, createdAt: createdAt.toISOString(), lastUsedAt: iso(lastUsedAt), revokedAt: iso(revokedAt) };
}

function eventName(type: OutboxEventType): EventName {
  return WEBHOOK_EVENT_NAMES[type];
}

function iso(time: Date | null): string | null {
  return time === null ? null : time.toISOString();
}
