import type {
  DeliveryFigures,
  DomainName,
  ManagedWebhook,
  ManagedWebhookStore,
  ValidationCause,
  ValidationRecord,
  WebhookChanges,
  WebhookId,
} from '@parley/domain';
import { wellAgain } from '../delivery/webhook-alerts';
import type { WebhookModel } from '../generated/models';
import type { Prisma } from '../generated/client';
import type { Connection } from '../prisma-client';
import { isWebhookId, toWebhook } from './webhook.store';

/** Figures go over so many deliveries at most, the newest: somebody may look every second at a webhook that is told much. */
const DELIVERIES_COUNTED = 100_000;

const CAUSES: readonly ValidationCause[] = ['added', 'url_changed', 'requested', 'periodic'];

/** Webhooks in PostgreSQL, as their owners manage them. */
export class PrismaManagedWebhookStore implements ManagedWebhookStore {
  constructor(private readonly db: Connection) {}

  async find(id: WebhookId): Promise<ManagedWebhook | null> {
    const row = isWebhookId(id)
      ? await this.db.webhook.findFirst({ where: { id: BigInt(id), removedAt: null } })
      : null;
    return row && toManaged(row);
  }

  async list(domain: DomainName): Promise<readonly ManagedWebhook[]> {
    const where = { domainName: domain, removedAt: null };
    return (await this.db.webhook.findMany({ where, orderBy: { id: 'asc' } })).map(toManaged);
  }

  async change(id: WebhookId, { url, events, ...others }: WebhookChanges, now: Date): Promise<void> {
    await this.update(id, {
      ...others,
      ...(events === undefined ? {} : { events: [...events] }),
      ...(url === undefined ? {} : atNewUrl(url, now)),
    });
  }

  async pause(id: WebhookId, now: Date): Promise<void> {
    const where = { id: BigInt(id), removedAt: null, pausedAt: null };
    await this.db.webhook.updateMany({ where, data: { pausedAt: now } });
  }

  async resume(id: WebhookId, now: Date): Promise<void> {
    await this.update(id, { pausedAt: null, ...wellAgain(now) });
  }

  async figures(id: WebhookId, now: Date): Promise<DeliveryFigures> {
    const [row] = await this.db.$queryRaw<DeliveryFigures[]>`
      SELECT u.waiting, u.since AS "oldestWaitingSince", f."deliveredLastDay", f."failedLastDay"
      FROM (SELECT count(*)::int AS waiting, min("createdAt") AS since FROM (
          SELECT "createdAt" FROM "WebhookDelivery" WHERE "webhookId" = ${id}::bigint AND state IN ('pending', 'sending')
          LIMIT ${DELIVERIES_COUNTED}::int) unfinished) u,
        (SELECT count(*) FILTER (WHERE state = 'delivered')::int AS "deliveredLastDay",
          count(*) FILTER (WHERE state = 'failed')::int AS "failedLastDay" FROM (
          SELECT state FROM "WebhookDelivery"
          WHERE "webhookId" = ${id}::bigint AND "createdAt" > ${now}::timestamptz - interval '1 day'
          ORDER BY "createdAt" DESC LIMIT ${DELIVERIES_COUNTED}::int) lately) f`;
    return row ?? { waiting: 0, oldestWaitingSince: null, deliveredLastDay: 0, failedLastDay: 0 };
  }

  async validations(id: WebhookId, limit: number): Promise<readonly ValidationRecord[]> {
    const rows = await this.db.webhookValidation.findMany({
      where: { webhookId: BigInt(id) },
      orderBy: [{ startedAt: 'desc' }, { id: 'desc' }],
      take: limit,
    });
    return rows.map(({ webhookId: _, cause, ...row }) => ({
      ...row,
      cause: CAUSES.find((each) => each === cause) ?? 'requested',
    }));
  }

  private async update(id: WebhookId, data: Prisma.WebhookUpdateManyMutationInput): Promise<void> {
    await this.db.webhook.updateMany({ where: { id: BigInt(id), removedAt: null }, data });
  }
}

/**
 * A handshake that is under way at the old URL must not count: without its lock it cannot be settled. Nor is the new one to
 * wait for hours because the old one failed: its breaker starts afresh.
 */
function atNewUrl(url: string, now: Date) {
  return {
    url,
    validated: false,
    nextValidationAt: now,
    validationAttempts: 0,
    validationCause: 'url_changed',
    validationLockedUntil: null,
    // What came of handshakes at the old one says nothing of it.
    lastValidationAt: null,
    lastValidationError: null,
    handshakeAwaited: true,
    breaker: 'closed',
    breakerSince: now,
    breakerTrips: 0,
  } as const satisfies Prisma.WebhookUpdateManyMutationInput;
}

function toManaged(row: WebhookModel): ManagedWebhook {
  return {
    ...toWebhook(row),
    failedValidations: row.failedValidations,
    lastValidationAt: row.lastValidationAt,
    lastValidationError: row.lastValidationError,
    nextValidationAt: row.nextValidationAt,
    handshakeAwaited: row.handshakeAwaited,
    provenAt: row.provenAt,
    suspendedAt: row.suspendedAt,
    pausedAt: row.pausedAt,
    disabledAt: row.disabledAt,
    disabledReason: row.disabledReason,
    breaker: row.breaker,
    alertedPercent: row.alertedPercent,
    createdAt: row.createdAt,
  };
}
