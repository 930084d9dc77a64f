import { brandAs, type WebhookId } from '@parley/domain';
import { Prisma, type PrismaClient } from '../generated/client';
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

/** What one statement did; one row per webhook that was told, at least one. */
interface RelayedRow {
  /** Domains with events among the first that wait, and those of them that no other relay is at. */
  waiting: string[];
  mine: string[];
  /** How many were to be relayed, and were. */
  taken: number;
  events: number;
  webhookId: bigint | null;
  type: 'url' | 'robot' | null;
}

/** The dispatcher's end of the outbox. */
export class OutboxRelayStore {
  constructor(private readonly prisma: PrismaClient) {}

  /**
   * Gives each event that is not relayed yet its position, writes one delivery for each webhook that listens to it and is
   * kept in mind, and marks it as relayed: all in one statement, so a crash repeats or does nothing.
   *
   * A domain's events are taken by one relay at a time, which holds the domain until its commit; other relays take other
   * domains meanwhile. So positions become visible in their order: whoever has read a domain's events up to a position
   * finds what comes later behind it, never before it. What one commit knew of another stands after it, as
   * `OutboxEvent.entered` does; within a room session that is the order of `seq`.
   * @param limit how many events to take at most
   */
  async relay(limit: number): Promise<RelayRound> {
    const passedOver: string[] = [];
    for (;;) {
      const rows = await this.prisma.$queryRaw<RelayedRow[]>(relayOnce(limit, passedOver));
      const { waiting = [], mine = [], taken = 0, events = 0 } = rows[0] ?? {};
      // A relay that hangs over the oldest events must not keep those of other domains waiting.
      if (mine.length === 0 && waiting.length > 0) {
        passedOver.push(...waiting);
        continue;
      }
      const urls = rows.filter(({ type }) => type === 'url').map(({ webhookId }) => Number(webhookId));
      return {
        events,
        webhooks: urls.map((id) => brandAs<WebhookId>(id)),
        robots: rows.some(({ type }) => type === 'robot'),
        more: taken === limit,
      };
    }
  }
}

/**
 * The statement began before it held its domains, so it may see events as waiting that the last holder has relayed. Their
 * rows say so when they are to be changed: the update looks at each row's newest version and leaves such out. Positions
 * are taken after the domains, so they are higher than the last holder's.
 */
function relayOnce(limit: number, passedOver: readonly string[]): Prisma.Sql {
  return Prisma.sql`
    WITH waiting AS MATERIALIZED (
      SELECT DISTINCT "domainName" AS domain FROM (
        SELECT "domainName" FROM "OutboxEvent" WHERE "relayedAt" IS NULL AND "domainName" <> ALL(${passedOver}::text[])
        ORDER BY entered LIMIT ${limit}) oldest
    ), held AS MATERIALIZED (
      SELECT domain, pg_try_advisory_xact_lock(hashtextextended('parley:outbox:' || domain, 0)) AS mine FROM waiting
    ), mine AS MATERIALIZED (
      SELECT coalesce(array_agg(domain), '{}') AS domains FROM held WHERE mine
    ), taken AS MATERIALIZED (
      SELECT id, nextval('"OutboxEvent_position_seq"') AS position FROM (
        SELECT id FROM "OutboxEvent" WHERE "relayedAt" IS NULL AND "domainName" = ANY((SELECT domains FROM mine)::text[])
        ORDER BY entered LIMIT ${limit}) oldest
    ), relayed AS (
      UPDATE "OutboxEvent" e SET "relayedAt" = statement_timestamp(), position = taken.position
      FROM taken WHERE e.id = taken.id AND e."relayedAt" IS NULL
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
    SELECT (SELECT coalesce(array_agg(domain), '{}') FROM waiting) AS waiting, (SELECT domains FROM mine) AS mine,
      (SELECT count(*)::int FROM taken) AS taken, (SELECT count(*)::int FROM relayed) AS events, told.id AS "webhookId", told.type
    FROM (SELECT 1) one LEFT JOIN told ON true`;
}
