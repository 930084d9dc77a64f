import { brandAs, type DeliveryId, type WebhookId } from '@parley/domain';
import { Prisma, type PrismaClient } from '../generated/client';
import { HEADS_SEEN, MARK, RIPE_IN_FIFO, ROOM_HEADS } from './handing-out.sql';
import { IS_TOLD } from './webhook-conditions';

/** A job that is to be enqueued, or was. */
export interface ReservedJob {
  readonly deliveryId: DeliveryId;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Rises with every enqueueing and every claim of the delivery. */
  readonly wake: number;
}

export interface ReserveOptions {
  /** How many deliveries of one webhook may have a job, or be under way, at once, in the whole region. */
  readonly atOnce: number;
  /** How many deliveries of one webhook are handed out in a second, in the whole region. */
  readonly perSecond: number;
  /** When a job that nobody took is looked for, in milliseconds. */
  readonly doubtAfterMs: number;
  /** How far ahead is looked for what becomes due, in milliseconds. */
  readonly horizonMs: number;
}

/** What was handed out, and when to ask again. */
export interface Reservation {
  /** Due now, in the order in which they are to be sent. */
  readonly jobs: readonly ReservedJob[];
  /** Webhooks that may have more to hand out after so many milliseconds: a retry becomes due, or their rate allows it. */
  readonly again: ReadonlyMap<WebhookId, number>;
}

interface ReservedRow {
  webhookId: bigint;
  /** Nobody else was handing out at that moment. */
  calm: boolean;
  places: number;
  tokens: number;
  /** Of a fifo webhook: as many due deliveries as are looked at were looked at; there may be others behind them. */
  cutOff: boolean;
  nextInMs: number | null;
  /** The webhook's jobs; null when it got none. */
  id: string | null;
  attempts: number | null;
  wake: number | null;
}

type JobRow = { id: string; attempts: number; wake: number };

const TRANSACTION = { maxWait: 5_000, timeout: 15_000 } as const;
/** A webhook that was idle may be told this many events at once, as a part of what it is told in a second. */
const BURST = 0.2;
/** Who used up its rate is looked at again after this time at most. */
const PATIENCE_MS = 100;
/** When a webhook is looked at again that another replica was handing out from. */
const RIVALS_MS = 5;

/**
 * Which pending deliveries have a job in the queue. `lockedUntil` of a pending row says: a job was enqueued, and if nobody
 * has taken it by then, look whether it is still there. Null: it has no job.
 */
export class StandingJobsStore {
  constructor(private readonly prisma: PrismaClient) {}

  /**
   * Chooses the webhooks' next deliveries, as many as their places and their rate allow, those that are due longest first
   * and of each room of a fifo webhook only its first unfinished one, and marks them as having a job. The caller enqueues
   * them after this commit; what dies in between is found by {@link doubtful}. Only what was chosen here can be claimed,
   * so the limits hold over all replicas.
   */
  async reserve(webhooks: readonly WebhookId[], options: ReserveOptions): Promise<Reservation> {
    const rows = await this.prisma.$queryRaw<ReservedRow[]>(chooseAndMark(webhooks.map(BigInt), options));
    const jobs = rows.flatMap(toJobOrNone);
    const behind = rows.filter(hidesOthers).map(({ webhookId }) => webhookId);
    if (behind.length > 0) jobs.push(...(await this.reserveHeads(behind, options)));
    return { jobs, again: whenAgain(rows, options) };
  }

  /** For fifo webhooks with so many blocked deliveries that those which are not blocked stand behind them. */
  private async reserveHeads(ids: readonly bigint[], options: ReserveOptions): Promise<ReservedJob[]> {
    return this.prisma.$transaction(async (tx) => {
      // Their places are counted by a statement that begins when nobody else fills them any more.
      await tx.$queryRaw`SELECT 1 FROM "Webhook" WHERE id = ANY(${ids}::bigint[]) ORDER BY id FOR NO KEY UPDATE`;
      const rows = await tx.$queryRaw<ReservedRow[]>(chooseAndMark(ids, options));
      const jobs = rows.flatMap(toJobOrNone);
      for (const { webhookId, places, tokens } of rows.filter(hidesOthers)) {
        const free = Math.min(places, tokens);
        jobs.push(...(await tx.$queryRaw<JobRow[]>(markHeads(webhookId, free, options))).map(toJob));
      }
      return jobs;
    }, TRANSACTION);
  }

  /**
   * Webhooks that have deliveries without a job which could have one, by their ids.
   * @param after where the last call ended; 0 to begin
   */
  async hungry(after: WebhookId | 0, limit: number): Promise<readonly WebhookId[]> {
    const rows = await this.prisma.$queryRaw<{ id: bigint }[]>`
      SELECT w.id FROM "Webhook" w
      WHERE w.id > ${after}::bigint AND w.type = 'url' AND w.breaker <> 'open' AND ${IS_TOLD} AND EXISTS (
        SELECT 1 FROM "WebhookDelivery" d WHERE d."webhookId" = w.id AND d.state = 'pending'
          AND d."lockedUntil" IS NULL AND d."nextAttemptAt" <= now())
      ORDER BY w.id LIMIT ${limit}`;
    return rows.map(({ id }) => brandAs<WebhookId>(Number(id)));
  }

  /** Jobs that should have been taken by now. They are still in the queue, or lost. */
  async doubtful(limit: number): Promise<readonly ReservedJob[]> {
    const rows = await this.prisma.$queryRaw<JobRow[]>`
      SELECT d.id, d.attempts, d.wake FROM "WebhookDelivery" d JOIN "Webhook" w ON w.id = d."webhookId"
      WHERE w.type = 'url' AND d.state = 'pending' AND d."lockedUntil" <= now() ORDER BY d."lockedUntil" LIMIT ${limit}`;
    return rows.map(toJob);
  }

  /** These are still in the queue: doubt again later. */
  async stillStanding(jobs: readonly ReservedJob[], doubtAfterMs: number): Promise<void> {
    await this.prisma.$executeRaw`
      UPDATE "WebhookDelivery" SET "lockedUntil" = now() + ${doubtAfterMs}::int * interval '1 ms'
      WHERE state = 'pending' AND id = ANY(${jobs.map(({ deliveryId }) => deliveryId)}::text[]) AND "lockedUntil" <= now()`;
  }

  /** These were lost: {@link reserve} may choose them again, under a new wake. Also for jobs that could not be enqueued. */
  async release(jobs: readonly ReservedJob[]): Promise<void> {
    await this.prisma.$executeRaw`
      UPDATE "WebhookDelivery" d SET "lockedUntil" = NULL
      FROM unnest(${jobs.map(({ deliveryId }) => deliveryId)}::text[], ${jobs.map(({ wake }) => wake)}::int[])
        AS lost(id, wake)
      WHERE d.id = lost.id AND d.wake = lost.wake AND d.state = 'pending'`;
  }
}

/**
 * Two replicas that count at the same time would both find room. So the webhooks' rows are locked, in the same order by
 * all, and those are left alone (not `calm`) that somebody else handed out from since this statement began: each handing
 * out moves `paidUntil`. The commit does not wait for the disk: a crash of PostgreSQL may only take back who has a job,
 * and such jobs find nothing to claim; what a claim knew of is on the disk with the claim.
 */
function chooseAndMark(ids: readonly bigint[], { atOnce, perSecond, doubtAfterMs, horizonMs }: ReserveOptions) {
  const everyMs = 1_000 / perSecond;
  const burstMs = Math.max(1, Math.round(perSecond * BURST)) * everyMs;
  return Prisma.sql`
    WITH locked AS MATERIALIZED (
      SELECT w.*, set_config('synchronous_commit', 'off', true) FROM "Webhook" w
      WHERE w.id = ANY(${ids}::bigint[]) AND w.type = 'url' ORDER BY w.id FOR NO KEY UPDATE
    ), wants AS MATERIALIZED (
      SELECT w.id, w."order" = 'fifo' AS fifo, calm,
        CASE WHEN calm THEN greatest(0, CASE w.breaker WHEN 'half_open' THEN 1 ELSE ${atOnce}::int END - (
          SELECT count(*) FROM "WebhookDelivery" d WHERE d."webhookId" = w.id AND d."lockedUntil" IS NOT NULL))::int
          ELSE 0 END AS places,
        greatest(0, floor((${burstMs}::float8 + extract(epoch FROM now() - greatest(now(), w."paidUntil")) * 1000)
          / ${everyMs}::float8 + 0.001))::int AS tokens,
        (SELECT ceil(extract(epoch FROM d."nextAttemptAt" - now()) * 1000)::int FROM "WebhookDelivery" d
          WHERE d."webhookId" = w.id AND d.state = 'pending' AND d."lockedUntil" IS NULL AND d."nextAttemptAt" > now()
            AND d."nextAttemptAt" <= now() + ${horizonMs}::int * interval '1 ms'
          ORDER BY d."nextAttemptAt" LIMIT 1) AS "nextInMs"
      FROM locked w JOIN "Webhook" before ON before.id = w.id CROSS JOIN LATERAL (
        SELECT before."paidUntil" IS NOT DISTINCT FROM w."paidUntil" AND before.breaker = w.breaker AS calm) rivals
      WHERE w.breaker <> 'open' AND ${IS_TOLD}
    ), ${RIPE_IN_FIFO}, chosen AS (
      SELECT id, wake, row_number() OVER (ORDER BY "nextAttemptAt", position) AS place FROM (
        SELECT seen.*, row_number() OVER (PARTITION BY webhook ORDER BY "nextAttemptAt", position) AS of_webhook
        FROM seen WHERE ripe) ripe
      WHERE of_webhook <= free
    ), ${MARK(doubtAfterMs, everyMs)}
    SELECT wants.id AS "webhookId", wants.calm, wants.places, wants.tokens, wants."nextInMs",
      coalesce((SELECT bool_or("cutOff") FROM seen WHERE seen.webhook = wants.id), false) AS "cutOff",
      marked.id, marked.attempts, marked.wake
    FROM wants LEFT JOIN marked ON marked."webhookId" = wants.id ORDER BY marked.place`;
}

function markHeads(webhook: bigint, free: number, { perSecond, doubtAfterMs }: ReserveOptions) {
  return Prisma.sql`
    WITH RECURSIVE ${ROOM_HEADS(webhook, HEADS_SEEN.url)}, chosen AS (
      SELECT id, wake, row_number() OVER (ORDER BY "nextAttemptAt", position) AS place FROM heads
      WHERE state = 'pending' AND "lockedUntil" IS NULL AND "nextAttemptAt" <= now() LIMIT ${free}::int
    ), ${MARK(doubtAfterMs, 1_000 / perSecond)}
    SELECT id, attempts, wake FROM marked ORDER BY place`;
}

function whenAgain(rows: readonly ReservedRow[], { perSecond }: ReserveOptions): ReadonlyMap<WebhookId, number> {
  const again = new Map<WebhookId, number>();
  const everyMs = 1_000 / perSecond;
  for (const { webhookId, calm, places, tokens, nextInMs } of rows) {
    const paysIn = tokens < places ? Math.ceil(Math.min((places - tokens) * everyMs, PATIENCE_MS)) : Infinity;
    const inMs = calm ? Math.min(paysIn, nextInMs ?? Infinity) : RIVALS_MS;
    if (inMs !== Infinity) again.set(brandAs<WebhookId>(Number(webhookId)), inMs);
  }
  return again;
}

/** It got nothing, has room, and there may be others behind those that were looked at. */
function hidesOthers({ cutOff, id, places, tokens }: ReservedRow): boolean {
  return cutOff && id === null && Math.min(places, tokens) > 0;
}

function toJobOrNone({ id, attempts, wake }: ReservedRow): ReservedJob[] {
  return id === null || attempts === null || wake === null ? [] : [toJob({ id, attempts, wake })];
}

function toJob({ id, attempts, wake }: JobRow): ReservedJob {
  return { deliveryId: brandAs<DeliveryId>(id), attempt: attempts + 1, wake };
}
