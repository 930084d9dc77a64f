import { brandAs, type DeliveryId, type WebhookId } from '@parley/domain';

/** One attempt at one delivery. Ids only: whoever reads the queue learns nothing of the event. */
export interface DeliveryJob {
  readonly deliveryId: DeliveryId;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Which wake-up of that attempt this is: a job that was lost is enqueued again under a new number. */
  readonly wake: number;
}

/** One handshake with a webhook's receiver. */
export interface ValidationJob {
  readonly webhookId: WebhookId;
}

/**
 * The queue's own name of a delivery job, e.g. `dlv_7f3a_1_1` (delivery ids begin with `dlv_`). An id may be used once:
 * an id that still exists as failed would never run again, hence the wake.
 */
export function deliveryJobId(job: DeliveryJob): string {
  return `${job.deliveryId}_${job.attempt}_${job.wake}`;
}

/** At most one handshake per webhook waits at a time. */
export function validationJobId(webhookId: WebhookId): string {
  return `val_${webhookId}`;
}

/** What was read back from the queue, or null when it is not one of ours. */
export function readDeliveryJob(data: unknown): DeliveryJob | null {
  const { deliveryId, attempt, wake } = fieldsOf(data);
  if (typeof deliveryId !== 'string' || !isCount(attempt) || !isCount(wake)) return null;
  return { deliveryId: brandAs<DeliveryId>(deliveryId), attempt, wake };
}

/** As {@link readDeliveryJob}, for handshakes. */
export function readValidationJob(data: unknown): ValidationJob | null {
  const { webhookId } = fieldsOf(data);
  return isCount(webhookId) ? { webhookId: brandAs<WebhookId>(webhookId) } : null;
}

function fieldsOf(data: unknown): Record<string, unknown> {
  return typeof data === 'object' && data !== null ? { ...data } : {};
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
