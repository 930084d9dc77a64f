import { Prisma, type PrismaClient } from '../generated/client';

/** Claims of workers that died with a delivery, in a row, until it is given up. */
export const ABANDONED_AT_MOST = 5;

/** What is written of a delivery that ends without anything having been sent. */
const ATTEMPT_ID = Prisma.sql`'att_' || replace(gen_random_uuid()::text, '-', '')`;

/** What becomes of deliveries that nobody works on: those of dead workers, of removed webhooks, and the old ones. */
export class DeliveryUpkeepStore {
  constructor(private readonly prisma: PrismaClient) {}

  /**
   * Takes deliveries back whose worker died in the middle. The attempt does not count, but a delivery that so ended
   * {@link ABANDONED_AT_MOST} times in a row, which may be what its workers die of, has failed.
   */
  async takeBackAbandoned(): Promise<{ readonly takenBack: number; readonly givenUp: number }> {
    const [row] = await this.prisma.$queryRaw<{ takenBack: number; givenUp: number }[]>`
      WITH abandoned AS (
        SELECT d.id, d.abandoned + 1 >= ${ABANDONED_AT_MOST}::int AS hopeless
        FROM "WebhookDelivery" d JOIN "Webhook" w ON w.id = d."webhookId"
        WHERE w.type = 'url' AND d.state = 'sending' AND d."lockedUntil" <= now() FOR UPDATE OF d SKIP LOCKED
      ), back AS (
        UPDATE "WebhookDelivery" d SET abandoned = d.abandoned + 1, "lockedUntil" = NULL,
          state = CASE WHEN hopeless THEN 'failed' ELSE 'pending' END::"DeliveryState",
          attempts = d.attempts + hopeless::int, "nextAttemptAt" = CASE WHEN NOT hopeless THEN now() END,
          "finishedAt" = CASE WHEN hopeless THEN now() END
        FROM abandoned WHERE d.id = abandoned.id
        RETURNING d.id, d.attempts, hopeless
      ), recorded AS (
        INSERT INTO "WebhookAttempt" (id, "deliveryId", number, "startedAt", "durationMs", outcome, error)
        SELECT ${ATTEMPT_ID}, id, attempts, now(), 0, 'abandoned',
          'Given up: ' || ${ABANDONED_AT_MOST}::int || ' workers in a row ended while they sent it.'
        FROM back WHERE hopeless
        ON CONFLICT ("deliveryId", number) DO NOTHING
      )
      SELECT count(*) FILTER (WHERE NOT hopeless)::int AS "takenBack", count(*) FILTER (WHERE hopeless)::int AS "givenUp"
      FROM back`;
    return row ?? { takenBack: 0, givenUp: 0 };
  }

  /**
   * Gives up what waits for webhooks that were removed, robots' too.
   * @returns how many; as many as `limit` when there may be more
   */
  async failRemoved(limit: number): Promise<number> {
    return this.prisma.$executeRaw`
      UPDATE "WebhookDelivery" d SET state = 'failed', "finishedAt" = now(), "nextAttemptAt" = NULL, "lockedUntil" = NULL
      FROM (
        SELECT d.id FROM "Webhook" w JOIN "WebhookDelivery" d ON d."webhookId" = w.id
        WHERE w."removedAt" IS NOT NULL AND d.state = 'pending' LIMIT ${limit}::int) gone
      WHERE d.id = gone.id AND d.state = 'pending'`;
  }

  /**
   * Lets the webhooks of accounts that were disabled since, in whichever region, wait; and those that were let in again go
   * on. Answers how many.
   */
  async followAccounts(): Promise<number> {
    return this.prisma.$executeRaw`
      UPDATE "Webhook" w SET "accountDisabled" = NOT w."accountDisabled"
      FROM "Domain" o JOIN "Account" a ON a.id = o."accountId"
      WHERE o.name = w."domainName" AND w."removedAt" IS NULL AND w."accountDisabled" <> (a."disabledAt" IS NOT NULL)`;
  }

  /**
   * Gives up what still waits although its domain keeps events no longer, with an attempt that says so: nothing is lost
   * without a word. For URLs and robots.
   * @returns how many; as many as `limit` when there may be more
   */
  async expire(limit: number): Promise<number> {
    return this.prisma.$executeRaw`
      WITH old AS (
        SELECT d.id, o."webhookRetentionDays" AS days
        FROM "Domain" o
        JOIN "OutboxEvent" e ON e."domainName" = o.name AND e."occurredAt" < now() - o."webhookRetentionDays" * interval '1 day'
        JOIN "WebhookDelivery" d ON d."eventId" = e.id
        WHERE d.state = 'pending' AND o."movingTo" IS NULL LIMIT ${limit}::int FOR UPDATE OF d SKIP LOCKED
      ), failed AS (
        UPDATE "WebhookDelivery" d SET state = 'failed', attempts = d.attempts + 1, "finishedAt" = now(),
          "nextAttemptAt" = NULL, "lockedUntil" = NULL
        FROM old WHERE d.id = old.id
        RETURNING d.id, d.attempts, old.days
      )
      INSERT INTO "WebhookAttempt" (id, "deliveryId", number, "startedAt", "durationMs", outcome, error)
      SELECT ${ATTEMPT_ID}, id, attempts, now(), 0, 'expired',
        'Given up: it could not be delivered within the ' || days || ' days for which its domain keeps events (retention).'
      FROM failed
      ON CONFLICT ("deliveryId", number) DO NOTHING`;
  }

  /**
   * Deletes what is older than its domain keeps it: events with their deliveries and attempts, once nothing of them is
   * unfinished, and handshakes.
   * @returns how many events and handshakes; as many as `limit` of one kind when there may be more
   */
  async deleteOld(limit: number): Promise<{ readonly events: number; readonly validations: number }> {
    const events = await this.prisma.$executeRaw`
      DELETE FROM "OutboxEvent" WHERE id IN (
        SELECT old.id FROM "Domain" o CROSS JOIN LATERAL (
          SELECT e.id FROM "OutboxEvent" e
          WHERE e."domainName" = o.name AND e."occurredAt" < now() - o."webhookRetentionDays" * interval '1 day'
            AND e."relayedAt" IS NOT NULL AND NOT EXISTS (
              SELECT 1 FROM "WebhookDelivery" d WHERE d."eventId" = e.id AND d.state IN ('pending', 'sending'))
          ORDER BY e."occurredAt" LIMIT ${limit}::int) old
        WHERE o."movingTo" IS NULL LIMIT ${limit}::int)`;
    const validations = await this.prisma.$executeRaw`
      DELETE FROM "WebhookValidation" WHERE id IN (
        SELECT v.id FROM "WebhookValidation" v JOIN "Webhook" w ON w.id = v."webhookId"
        JOIN "Domain" o ON o.name = w."domainName"
        WHERE v."startedAt" < now() - o."webhookRetentionDays" * interval '1 day'
          AND o."movingTo" IS NULL LIMIT ${limit}::int)`;
    return { events, validations };
  }

  /**
   * Deletes webhooks, with their secrets, and robots that were removed and of which nothing is left to be shown: whoever adds
   * and removes them all day long leaves nothing behind. The last day's stay, for what may still be under way. So are notes
   * of where things went that nobody keeps any more.
   * @returns how many; as many as `limit` of one kind when there may be more
   */
  async deleteRemoved(limit: number): Promise<number> {
    const webhooks = await this.prisma.$executeRaw`
      DELETE FROM "Webhook" WHERE id IN (
        SELECT w.id FROM "Webhook" w JOIN "Domain" o ON o.name = w."domainName"
        WHERE w."removedAt" < now() - interval '1 day' AND o."movingTo" IS NULL
          AND NOT EXISTS (SELECT 1 FROM "WebhookDelivery" d WHERE d."webhookId" = w.id)
        LIMIT ${limit}::int)`;
    const robots = await this.prisma.$executeRaw`
      DELETE FROM "Robot" WHERE id IN (
        SELECT r.id FROM "Robot" r JOIN "Domain" o ON o.name = r."domainName"
        WHERE r."removedAt" < now() - interval '1 day' AND o."movingTo" IS NULL
          AND NOT EXISTS (SELECT 1 FROM "Webhook" w WHERE w."robotId" = r.id)
        LIMIT ${limit}::int)`;
    const notes = await this.prisma.$executeRaw`
      DELETE FROM "DepartedId" WHERE (kind, id) IN (
        SELECT kind, id FROM "DepartedId" WHERE "keptUntil" < now() LIMIT ${limit}::int)`;
    return Math.max(webhooks + robots, notes);
  }
}
