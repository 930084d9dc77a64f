import { Prisma } from '../generated/client';

/** How many due deliveries of a fifo webhook are looked at before its rooms are gone through one by one. */
const WINDOW = 200;

/**
 * `seen(webhook, id, ..., ripe)`: due deliveries of the webhooks in `wants`, those due longest first. In fifo a delivery is
 * ripe when nothing unfinished of its room stands before it; events of no room have nothing to wait for.
 */
export const RIPE_IN_FIFO = Prisma.sql`seen AS MATERIALIZED (
  SELECT wants.id AS webhook, due.*, least(wants.places, wants.tokens) AS free, wants.fifo AND count(*) OVER (PARTITION BY wants.id) = ${WINDOW}::int AS "cutOff",
    NOT wants.fifo OR due."roomName" IS NULL OR NOT EXISTS (
      SELECT 1 FROM "WebhookDelivery" before WHERE before."webhookId" = wants.id AND before."roomName" = due."roomName"
        AND before.position < due.position AND before.state IN ('pending', 'sending')) AS ripe
  FROM wants CROSS JOIN LATERAL (
    SELECT d.id, d.wake, d."roomName", d.position, d."nextAttemptAt" FROM "WebhookDelivery" d
    WHERE d."webhookId" = wants.id AND d.state = 'pending' AND d."lockedUntil" IS NULL AND d."nextAttemptAt" <= now()
    ORDER BY d."nextAttemptAt", d.position
    LIMIT CASE WHEN least(wants.places, wants.tokens) = 0 THEN 0 WHEN wants.fifo THEN ${WINDOW}::int
      ELSE least(wants.places, wants.tokens) END
  ) due
)`;

/**
 * How many of a webhook's rooms are gone through, and events of no room; the others wait behind them. Robots of a replica are
 * served one after the other, so none may take long.
 */
export const HEADS_SEEN = { url: 20_000, robot: 1_000 } as const;

/**
 * `heads`: the first unfinished delivery of each of a webhook's rooms, and what is of no room. Costs as much as it has rooms,
 * however many deliveries wait in each: what is blocked by the thousand is not looked at.
 */
export const ROOM_HEADS = (webhook: bigint, atMost: number): Prisma.Sql => {
  const first = (rooms: Prisma.Sql): Prisma.Sql => Prisma.sql`(
    SELECT d.id, d.wake, d."roomName", d.position, d.state, d."lockedUntil", d."nextAttemptAt" FROM "WebhookDelivery" d
    WHERE d."webhookId" = ${webhook}::bigint AND d.state IN ('pending', 'sending') AND ${rooms}
    ORDER BY d."roomName", d.position LIMIT 1)`;
  return Prisma.sql`in_rooms AS (
    ${first(Prisma.sql`d."roomName" IS NOT NULL`)}
    UNION ALL
    SELECT next.* FROM in_rooms CROSS JOIN LATERAL ${first(Prisma.sql`d."roomName" > in_rooms."roomName"`)} next
  ), heads AS (
    (SELECT * FROM in_rooms LIMIT ${atMost}::int)
    UNION ALL
    (SELECT d.id, d.wake, d."roomName", d.position, d.state, d."lockedUntil", d."nextAttemptAt" FROM "WebhookDelivery" d
    WHERE d."webhookId" = ${webhook}::bigint AND d.state = 'pending' AND d."roomName" IS NULL
    ORDER BY d."roomName", d.position LIMIT ${atMost}::int)
  )`;
};

/**
 * `marked`: those in `chosen(id, wake, place)` have a job from now on, and their webhooks have paid for them. Left out is
 * what was handed out or ended since the statement began. (As text, or PostgreSQL may think of an index by state and go
 * through all that wait.)
 */
export const MARK = (doubtAfterMs: number, everyMs: number): Prisma.Sql => Prisma.sql`marked AS (
  UPDATE "WebhookDelivery" d SET wake = d.wake + 1, "lockedUntil" = now() + ${doubtAfterMs}::int * interval '1 ms'
  FROM chosen WHERE d.id = chosen.id AND d.wake = chosen.wake AND d.state::text = 'pending'
  RETURNING d.id, d."webhookId", d.attempts, d.wake, chosen.place
), paid AS (
  UPDATE "Webhook" w SET "paidUntil" = greatest(now(), w."paidUntil") + handed.count * ${everyMs}::float8 * interval '1 ms'
  FROM (SELECT "webhookId", count(*) FROM marked GROUP BY 1) handed WHERE w.id = handed."webhookId"
)`;
