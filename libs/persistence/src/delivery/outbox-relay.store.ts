import { brandAs, type WebhookId } from '@parley/domain';
import type { Prisma, PrismaClient } from '../generated/client';
import { IS_KEPT_FOR, LISTENS_TO, NEW_DELIVERY_ID } from './webhook-conditions';

/** What one round of the relay did. */
export interface RelayRound {
  /** How many events were turned into deliveries. */
  readonly events: number;
  /** Webhooks with a URL that have new deliveries. */
  readonly webhooks: readonly WebhookId[];
  /** Robots have new deliveries. */
  readonly robots: boolean;
  /** Some events may have been left over, so another round is worth it. */
  readonly more: boolean;
}

const TRANSACTION = { maxWait: 5_000, timeout: 15_000 } as const;

/** The dispatcher's end of the outbox. */
export class OutboxRelayStore {
  constructor(private readonly prisma: PrismaClient) {}

  /**
   * Gives each event that is not relayed yet its position, writes one delivery for each webhook that listens to it and is
   * kept in mind, and marks it as relayed: all in one transaction, so a crash repeats or does nothing.
   *
   * A domain's events are taken by one relay at a time, which holds the domain until its commit; other relays take other
   * domains meanwhile. So positions become visible in their order: whoever has read a domain's events up to a position
   * finds what comes later behind it, never before it. What one commit knew of another stands after it, as
   * `OutboxEvent.entered` does; within a room session that is the order of `seq`.
   * @param limit how many events to take at most
   */
  async relay(limit: number): Promise<RelayRound> {
    return this.prisma.$transaction(async (tx) => {
      const mine = await holdDomains(tx, limit);
      if (mine.length === 0) return { events: 0, webhooks: [], robots: false, more: false };
      // A statement of its own, as it has to see what the last holder of a domain committed.
      const made = await tx.$queryRaw<{ events: number; webhookId: bigint | null; type: 'url' | 'robot' | null }[]>`
        WITH taken AS MATERIALIZED (
          SELECT id, nextval('"OutboxEvent_position_seq"') AS position FROM (
            SELECT id FROM "OutboxEvent" WHERE "relayedAt" IS NULL AND "domainName" = ANY(${mine}::text[])
            ORDER BY entered LIMIT ${limit}) oldest
        ), relayed AS (
          UPDATE "OutboxEvent" e SET "relayedAt" = statement_timestamp(), position = taken.position
          FROM taken WHERE e.id = taken.id
          RETURNING e.*
        ), made AS (
          INSERT INTO "WebhookDelivery" (id, "eventId", "webhookId", "roomName", position, "nextAttemptAt")
          SELECT ${NEW_DELIVERY_ID}, e.id, w.id, e."roomName", e.position,
            statement_timestamp()
          FROM relayed e JOIN "Webhook" w ON ${LISTENS_TO} WHERE ${IS_KEPT_FOR}
          ON CONFLICT ("eventId", "webhookId") DO NOTHING
          RETURNING "webhookId"
        ), told AS (
          SELECT DISTINCT w.id, w.type FROM made JOIN "Webhook" w ON w.id = made."webhookId"
        )
        SELECT (SELECT count(*)::int FROM relayed) AS events, told.id AS "webhookId", told.type
        FROM (SELECT 1) one LEFT JOIN told ON true`;
      const events = made[0]?.events ?? 0;
      const urls = made.filter(({ type }) => type === 'url').map(({ webhookId }) => Number(webhookId));
      return {
        events,
        webhooks: urls.map((id) => brandAs<WebhookId>(id)),
        robots: made.some(({ type }) => type === 'robot'),
        more: events === limit,
      };
    }, TRANSACTION);
  }
}

/** Domains with events among the first that wait and that no other relay is at; now this one is, until its commit. */
async function holdDomains(tx: Prisma.TransactionClient, limit: number): Promise<string[]> {
  const taken: string[] = [];
  for (;;) {
    const waiting = await tx.$queryRaw<{ domain: string; mine: boolean }[]>`
      WITH waiting AS MATERIALIZED (
        SELECT DISTINCT "domainName" AS domain FROM (
          SELECT "domainName" FROM "OutboxEvent" WHERE "relayedAt" IS NULL AND "domainName" <> ALL(${taken}::text[])
          ORDER BY entered LIMIT ${limit}) oldest
      )
      SELECT domain, pg_try_advisory_xact_lock(hashtextextended('parley:outbox:' || domain, 0)) AS mine FROM waiting`;
    const mine = waiting.filter((each) => each.mine).map(({ domain }) => domain);
    if (mine.length > 0 || waiting.length === 0) return mine;
    // A relay that hangs over the oldest events must not keep those of other domains waiting.
    taken.push(...waiting.map(({ domain }) => domain));
  }
}
