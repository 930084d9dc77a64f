import { brandAs, type DomainName, type RegionId, type WebhookId } from '@parley/domain';
import type { PrismaClient } from '../generated/client';
import { appendWebhookAlert, type WebhookAlert } from './webhook-alerts';

/** A breaker opens when so much of what was attempted lately failed, if so much was attempted. */
const WINDOW_MINUTES = 5;
const FAILED_SHARE = 0.7;
const ATTEMPTS_AT_LEAST = 10;
/** How long it stays open the first time; twice as long each further time in a row. */
const OPEN_SECONDS = 30;
/** So many trips in a row disable the webhook, and at these shares of them (percent) its owner is told. */
export const TRIPS_AT_MOST = 10;
const ALERTS = [50, 70, 90, 100];

interface AlertRow {
  id: bigint;
  domainName: string;
  trips: number;
  disabled: boolean;
  alerted: number;
}

const TRANSACTION = { maxWait: 5_000, timeout: 15_000 } as const;

/**
 * Circuit breakers of webhooks. While one is open nothing is sent and nothing counts; then single deliveries, handed out
 * while it is half open, decide (see `DeliveryStore.settle`).
 */
export class BreakerStore {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly region: RegionId,
  ) {}

  /** Opens those of webhooks that mostly fail. Counts over the last minutes, and from when it closed last. */
  async trip(): Promise<number> {
    return this.prisma.$executeRaw`
      WITH failing AS (
        SELECT d."webhookId" AS id, count(*) AS failures FROM "WebhookAttempt" a
        JOIN "WebhookDelivery" d ON d.id = a."deliveryId" JOIN "Webhook" w ON w.id = d."webhookId"
        WHERE a.outcome <> 'delivered' AND a.outcome NOT IN ('abandoned', 'expired')
          AND a."startedAt" > greatest(now() - ${WINDOW_MINUTES}::int * interval '1 minute', w."breakerSince")
          AND w.type = 'url' AND w.breaker = 'closed'
        GROUP BY 1 HAVING count(*) >= ${ATTEMPTS_AT_LEAST * FAILED_SHARE}::float8
      ), tried AS (
        SELECT w.id, count(*) AS attempts FROM "WebhookAttempt" a
        JOIN "WebhookDelivery" d ON d.id = a."deliveryId" JOIN "Webhook" w ON w.id = d."webhookId"
        WHERE w.id IN (SELECT id FROM failing) AND a.outcome NOT IN ('abandoned', 'expired')
          AND a."startedAt" > greatest(now() - ${WINDOW_MINUTES}::int * interval '1 minute', w."breakerSince")
        GROUP BY 1 HAVING count(*) >= ${ATTEMPTS_AT_LEAST}::int
      )
      UPDATE "Webhook" w SET breaker = 'open', "breakerSince" = now(), "breakerTrips" = w."breakerTrips" + 1
      FROM failing JOIN tried USING (id)
      WHERE w.id = failing.id AND w.breaker = 'closed' AND failing.failures >= tried.attempts * ${FAILED_SHARE}::float8`;
  }

  /** Lets those that were open for long enough try again, one delivery at a time. */
  async halfOpen(): Promise<number> {
    return this.prisma.$executeRaw`
      UPDATE "Webhook" SET breaker = 'half_open', "breakerSince" = now()
      WHERE breaker = 'open' AND "removedAt" IS NULL
        AND "breakerSince" <= now() - ${OPEN_SECONDS}::int * power(2, "breakerTrips" - 1) * interval '1 second'`;
  }

  /**
   * Disables webhooks whose breaker opened too often in a row, and appends what owners are to hear: how near that is, that
   * it has happened (also by a 410), or that it is over. Each once.
   */
  async alert(limit: number): Promise<readonly WebhookAlert[]> {
    const now = new Date();
    return this.prisma.$transaction(async (tx) => {
      // By domain, whose sequences of events are locked in this order: two replicas must not wait for each other.
      const rows = await tx.$queryRaw<AlertRow[]>`
        SELECT id, "domainName", "breakerTrips" AS trips, "disabledAt" IS NOT NULL AS disabled, "alertedPercent" AS alerted
        FROM "Webhook" WHERE type = 'url' AND "removedAt" IS NULL AND NOT frozen AND (
          "alertedPercent" < (SELECT coalesce(max(percent), 0) FROM unnest(${ALERTS}::int[]) AS percent
            WHERE percent <= 100 * "breakerTrips" / ${TRIPS_AT_MOST}::int)
          OR ("disabledAt" IS NOT NULL AND "alertedPercent" < 100)
          OR ("disabledAt" IS NULL AND "alertedPercent" > 0 AND "breakerTrips" = 0))
        ORDER BY "domainName", id LIMIT ${limit}::int FOR NO KEY UPDATE SKIP LOCKED`;
      const alerts: WebhookAlert[] = [];
      for (const row of rows) {
        const { percent, alert } = judged(row);
        await tx.$executeRaw`
          UPDATE "Webhook" SET "alertedPercent" = ${percent}::int,
            "disabledAt" = CASE WHEN ${alert.reason} = 'disabled' THEN coalesce("disabledAt", now()) END,
            "disabledReason" = CASE WHEN ${alert.reason} = 'disabled' THEN coalesce("disabledReason", 'failures') END
          WHERE id = ${row.id}`;
        await appendWebhookAlert(tx, this.region, alert, now);
        alerts.push(alert);
      }
      return alerts;
    }, TRANSACTION);
  }
}

/** What is to be said of a webhook, and the percentage that has been told then. */
function judged({ id, domainName, trips, disabled }: AlertRow): { percent: number; alert: WebhookAlert } {
  const about = { webhookId: brandAs<WebhookId>(Number(id)), domain: brandAs<DomainName>(domainName) };
  if (disabled || trips >= TRIPS_AT_MOST) {
    return { percent: 100, alert: { ...about, reason: 'disabled', percent: 100 } };
  }
  if (trips === 0) return { percent: 0, alert: { ...about, reason: 'recovered' } };
  const percent = ALERTS.findLast((share) => share * TRIPS_AT_MOST <= trips * 100) ?? 0;
  return { percent, alert: { ...about, reason: 'failing', percent } };
}
