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
  /** Domains with events that wait, as far as was looked, by name; and those of them that no other relay is at. */
  waiting: string[];
  mine: string[];
  /** How many were to be relayed, and were. */
  taken: number;
  events: number;
  webhookId: bigint | null;
  type: 'url' | 'robot' | null;
}

/** Most domains that one round looks at; where more have events, the next round goes on behind them. */
const DOMAINS_SEEN = 50;

/** The dispatcher's end of the outbox. */
export class OutboxRelayStore {
  /** The last domain that was looked at, when there may be others behind it; empty: from the first one on. */
  private behind = '';
  /** Something was taken since it last began with the first one: there may be more of it. */
  private tookSome = false;

  constructor(private readonly prisma: PrismaClient) {}

  /**
   * Gives each event that is not relayed yet its position, writes one delivery for each webhook that listens to it and is
   * kept in mind, and marks it as relayed: all in one statement, so a crash repeats or does nothing.
   *
   * Domains share a round: each gets as much of it as the others, or as much as it has, so nobody waits for the backlog of
   * somebody else. A domain's events are taken by one relay at a time, which holds the domain until its commit; other
   * relays take other domains meanwhile. So positions become visible in their order: whoever has read a domain's events up
   * to a position finds what comes later behind it, never before it. What one commit knew of another stands after it, as
   * `OutboxEvent.entered` does; within a room session that is the order of `seq`.
   * @param limit how many events to take at most
   */
  async relay(limit: number): Promise<RelayRound> {
    for (;;) {
      const from = this.behind;
      const rows = await this.prisma.$queryRaw<RelayedRow[]>(relayOnce(limit, from));
      const { waiting = [], mine = [], taken = 0, events = 0 } = rows[0] ?? {};
      this.tookSome = taken > 0 || (from !== '' && this.tookSome);
      this.behind = waiting.length === DOMAINS_SEEN ? (waiting.at(-1) ?? '') : '';
      // Relays that hang over some domains must not keep those behind them waiting.
      if (mine.length === 0 && this.behind !== '') continue;
      const urls = rows.filter(({ type }) => type === 'url').map(({ webhookId }) => Number(webhookId));
      return {
        events,
        webhooks: urls.map((id) => brandAs<WebhookId>(id)),
        robots: rows.some(({ type }) => type === 'robot'),
        more: taken === limit || this.behind !== '' || (from !== '' && this.tookSome),
      };
    }
  }
}

/** The first domain by name, behind what `after` says, that has events which wait. */
const nextWaiting = (after: Prisma.Sql): Prisma.Sql => Prisma.sql`(
  SELECT "domainName" AS domain FROM "OutboxEvent" WHERE "relayedAt" IS NULL AND "domainName" > ${after}
  ORDER BY "domainName" LIMIT 1)`;

/**
 * Domains are stepped through in the index of what waits, however much of each does. The statement began before it held
 * its domains, so it may see events as waiting that the last holder has relayed. Their rows say so when they are to be
 * changed: the update looks at each row's newest version and leaves such out. Positions are taken after the domains, so
 * they are higher than the last holder's.
 */
function relayOnce(limit: number, after: string): Prisma.Sql {
  return Prisma.sql`
    WITH RECURSIVE stepped AS (
      ${nextWaiting(Prisma.sql`${after}::text`)}
      UNION ALL
      SELECT next.domain FROM stepped CROSS JOIN LATERAL ${nextWaiting(Prisma.sql`stepped.domain`)} next
    ), waiting AS MATERIALIZED (
      SELECT domain FROM stepped LIMIT ${DOMAINS_SEEN}::int
    ), held AS MATERIALIZED (
      SELECT domain, pg_try_advisory_xact_lock(hashtextextended('parley:outbox:' || domain, 0)) AS mine FROM waiting
    ), taken AS MATERIALIZED (
      SELECT id, nextval('"OutboxEvent_position_seq"') AS position FROM (
        SELECT oldest.id FROM held CROSS JOIN LATERAL (
          SELECT id, row_number() OVER (ORDER BY entered) AS place FROM "OutboxEvent"
          WHERE "relayedAt" IS NULL AND "domainName" = held.domain ORDER BY entered LIMIT ${limit}) oldest
        WHERE held.mine ORDER BY oldest.place LIMIT ${limit}) shared
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
    SELECT (SELECT coalesce(array_agg(domain ORDER BY domain), '{}') FROM waiting) AS waiting,
      (SELECT coalesce(array_agg(domain), '{}') FROM held WHERE mine) AS mine, (SELECT count(*)::int FROM taken) AS taken,
      (SELECT count(*)::int FROM relayed) AS events, told.id AS "webhookId", told.type
    FROM (SELECT 1) one LEFT JOIN told ON true`;
}
