import { brandAs, type DeliveryId, type WebhookId } from '@parley/domain';
import type { PrismaClient } from '../generated/client';

/** A job that is to be enqueued, or was. */
export interface ReservedJob {
  readonly deliveryId: DeliveryId;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Rises with every enqueueing and every claim of the delivery. */
  readonly wake: number;
  /** How long from now until it is due, in milliseconds; 0 when it is. */
  readonly delayMs: number;
}

export interface ReserveOptions {
  /** How many deliveries of one webhook may have a job, or be under way, at once. */
  readonly jobsPerWebhook: number;
  /** Deliveries due within this time are enqueued ahead, in milliseconds. */
  readonly aheadMs: number;
  /** When a job that nobody took is looked for, counted from when it is due, in milliseconds. */
  readonly doubtAfterMs: number;
}

/** How far behind the deliveries are. */
export interface Backlog {
  /** Deliveries waiting or under way, those waiting for a retry included. */
  readonly unfinished: number;
  /** Age of the oldest delivery that is due and not done, in seconds; 0 when there is none. */
  readonly oldestDueSeconds: number;
  /** Events that the relay has not taken yet. */
  readonly unrelayed: number;
}

interface JobRow {
  id: string;
  attempts: number;
  wake: number;
  delayMs: number;
}

const TRANSACTION = { maxWait: 5_000, timeout: 15_000 } as const;

/**
 * Which pending deliveries have a job in the queue. `lockedUntil` of a pending row says: a job was enqueued, and if nobody
 * has taken it by then, look whether it is still there. Null: it has no job.
 */
export class StandingJobsStore {
  constructor(private readonly prisma: PrismaClient) {}

  /**
   * Chooses the webhook's next deliveries, those due now first, oldest event first, as many as fit beside those that have a job, and marks them
   * as having one. The caller enqueues them after this commit; what dies in between is found by {@link doubtful}.
   */
  async reserve(webhook: WebhookId, options: ReserveOptions): Promise<readonly ReservedJob[]> {
    const { jobsPerWebhook, aheadMs, doubtAfterMs } = options;
    return this.prisma.$transaction(async (tx) => {
      // Two replicas that count at the same time would both find room; the webhook's row lets one count after the other.
      await tx.$executeRaw`SELECT 1 FROM "Webhook" WHERE id = ${webhook}::bigint FOR NO KEY UPDATE`;
      const rows = await tx.$queryRaw<JobRow[]>`
        WITH room AS (
          SELECT ${jobsPerWebhook}::int - count(*) AS free FROM "WebhookDelivery"
          WHERE "webhookId" = ${webhook}::bigint
            AND (state = 'sending' OR (state = 'pending' AND "lockedUntil" IS NOT NULL))
        ), chosen AS (
          SELECT d.id, row_number() OVER (
            ORDER BY d."nextAttemptAt" > now(), e."occurredAt", e."roomSessionId", e.seq) AS place
          FROM "WebhookDelivery" d JOIN "OutboxEvent" e ON e.id = d."eventId" JOIN "Webhook" w ON w.id = d."webhookId"
          WHERE d."webhookId" = ${webhook}::bigint AND d.state = 'pending' AND d."lockedUntil" IS NULL
            AND d."nextAttemptAt" <= now() + ${aheadMs}::int * interval '1 ms'
            AND w.validated AND w."removedAt" IS NULL
          ORDER BY place LIMIT greatest(0, (SELECT free FROM room))
        ), marked AS (
          UPDATE "WebhookDelivery" d SET wake = d.wake + 1,
            "lockedUntil" = greatest(now(), d."nextAttemptAt") + ${doubtAfterMs}::int * interval '1 ms'
          FROM chosen WHERE d.id = chosen.id
          RETURNING d.id, d.attempts, d.wake, d."nextAttemptAt", chosen.place
        )
        SELECT id, attempts, wake, greatest(0, ceil(extract(epoch FROM "nextAttemptAt" - now()) * 1000))::int AS "delayMs"
        FROM marked ORDER BY place`;
      return rows.map(toJob);
    }, TRANSACTION);
  }

  /** Webhooks that have deliveries without a job which could have one. */
  async hungry(aheadMs: number, limit: number): Promise<readonly WebhookId[]> {
    const rows = await this.prisma.$queryRaw<{ id: bigint }[]>`
      SELECT w.id FROM "Webhook" w WHERE w.validated AND w."removedAt" IS NULL AND EXISTS (
        SELECT 1 FROM "WebhookDelivery" d WHERE d."webhookId" = w.id AND d.state = 'pending'
          AND d."lockedUntil" IS NULL AND d."nextAttemptAt" <= now() + ${aheadMs}::int * interval '1 ms')
      LIMIT ${limit}`;
    return rows.map(({ id }) => brandAs<WebhookId>(Number(id)));
  }

  /** Jobs that should have been taken by now. They are still in the queue, or lost. */
  async doubtful(limit: number): Promise<readonly ReservedJob[]> {
    const rows = await this.prisma.$queryRaw<JobRow[]>`
      SELECT id, attempts, wake, 0 AS "delayMs" FROM "WebhookDelivery"
      WHERE state = 'pending' AND "lockedUntil" <= now() ORDER BY "lockedUntil" LIMIT ${limit}`;
    return rows.map(toJob);
  }

  /** These are still in the queue: doubt again later. */
  async stillStanding(jobs: readonly ReservedJob[], doubtAfterMs: number): Promise<void> {
    await this.prisma.$executeRaw`
      UPDATE "WebhookDelivery" SET "lockedUntil" = now() + ${doubtAfterMs}::int * interval '1 ms'
      WHERE state = 'pending' AND id = ANY(${idsOf(jobs)}::text[]) AND "lockedUntil" <= now()`;
  }

  /** These were lost: {@link reserve} may choose them again, under a new wake. Also for jobs that could not be enqueued. */
  async release(jobs: readonly ReservedJob[]): Promise<void> {
    await this.prisma.$executeRaw`
      UPDATE "WebhookDelivery" d SET "lockedUntil" = NULL
      FROM unnest(${idsOf(jobs)}::text[], ${jobs.map(({ wake }) => wake)}::int[]) AS lost(id, wake)
      WHERE d.id = lost.id AND d.wake = lost.wake AND d.state = 'pending'`;
  }

  /** Takes deliveries back whose worker died in the middle; the attempt does not count. Answers how many. */
  async takeBackAbandoned(): Promise<number> {
    return this.prisma.$executeRaw`
      UPDATE "WebhookDelivery" SET state = 'pending', "lockedUntil" = NULL, "nextAttemptAt" = now()
      WHERE state = 'sending' AND "lockedUntil" <= now()`;
  }

  /** Gives up what waits for webhooks that were removed. Answers how many. */
  async failRemoved(): Promise<number> {
    return this.prisma.$executeRaw`
      UPDATE "WebhookDelivery" d SET state = 'failed', "finishedAt" = now(), "nextAttemptAt" = NULL, "lockedUntil" = NULL
      FROM "Webhook" w WHERE w.id = d."webhookId" AND w."removedAt" IS NOT NULL AND d.state = 'pending'`;
  }

  async backlog(): Promise<Backlog> {
    const [row] = await this.prisma.$queryRaw<{ unfinished: number; oldest: number; unrelayed: number }[]>`
      SELECT count(*)::int AS unfinished,
        coalesce(extract(epoch FROM now() - min(d."nextAttemptAt") FILTER (WHERE d."nextAttemptAt" <= now() AND w.validated)), 0)::float8 AS oldest,
        (SELECT count(*)::int FROM "OutboxEvent" WHERE "relayedAt" IS NULL) AS unrelayed
      FROM "WebhookDelivery" d JOIN "Webhook" w ON w.id = d."webhookId" WHERE d.state IN ('pending', 'sending')`;
    return { unfinished: row?.unfinished ?? 0, oldestDueSeconds: row?.oldest ?? 0, unrelayed: row?.unrelayed ?? 0 };
  }
}

function idsOf(jobs: readonly ReservedJob[]): string[] {
  return jobs.map(({ deliveryId }) => deliveryId);
}

function toJob(row: JobRow): ReservedJob {
  return {
    deliveryId: brandAs<DeliveryId>(row.id),
    attempt: row.attempts + 1,
    wake: row.wake,
    delayMs: row.delayMs,
  };
}
