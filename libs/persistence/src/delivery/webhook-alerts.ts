import type { AlertReason, DomainName, RegionId, WebhookId } from '@parley/domain';
import type { Prisma } from '../generated/client';
import type { Connection } from '../prisma-client';
import { PrismaOutbox } from '../stores/outbox';

/** What the owner of a webhook is to hear about it, through the other webhooks of its domain. */
export interface WebhookAlert {
  readonly webhookId: WebhookId;
  readonly domain: DomainName;
  readonly reason: AlertReason;
  /** How near `failing` is to being disabled. */
  readonly percent?: number;
}

/** Appends the event `webhook.alert` in the transaction of what it tells of. */
export async function appendWebhookAlert(
  tx: Connection,
  region: RegionId,
  { webhookId, domain, reason, percent }: WebhookAlert,
  now: Date,
): Promise<void> {
  await new PrismaOutbox(tx, region).append({
    type: 'webhook.alert',
    domain,
    roomName: null,
    roomSessionId: null,
    payload: { webhookId, reason, ...(percent !== undefined && { percent }) },
    occurredAt: now,
  });
}

/**
 * What is written into a webhook that is to be told things again although it failed: its breaker starts afresh from now,
 * and what went wrong before does not count any more. For re-validations that pass and owners who resume it.
 */
export function wellAgain(now: Date) {
  return {
    disabledAt: null,
    disabledReason: null,
    breaker: 'closed',
    breakerSince: now,
    breakerTrips: 0,
    alertedPercent: 0,
  } as const satisfies Prisma.WebhookUncheckedUpdateInput;
}
