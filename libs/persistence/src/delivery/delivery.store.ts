import { randomBytes } from 'node:crypto';
import {
  brandAs,
  type DeliveryId,
  type DomainName,
  type EventId,
  type JsonObject,
  type OutboxEventType,
  type RoomName,
  type RoomSessionId,
  type WebhookId,
} from '@parley/domain';
import { Prisma, type PrismaClient } from '../generated/client';
import type { ReservedJob } from './standing-jobs.store';
import { IS_TOLD } from './webhook-conditions';

/** A delivery that this worker, and no other, is to send now. */
export interface ClaimedDelivery {
  readonly id: DeliveryId;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Its number since somebody last asked for the delivery, from 1: its place in the schedule. */
  readonly tryNumber: number;
  /** Shows on settling that the claim has not lapsed and gone to another worker: no two claims of a delivery share one. */
  readonly token: number;
  readonly webhookId: WebhookId;
  readonly url: string;
  readonly domain: DomainName;
  /** Also `roomCreated` and `roomRemoved` say event id, room session, seq and time. */
  readonly detailed: boolean;
  readonly event: {
    readonly id: EventId;
    readonly type: OutboxEventType;
    readonly roomName: RoomName | null;
    readonly roomSessionId: RoomSessionId | null;
    readonly seq: number;
    readonly occurredAt: Date;
    readonly payload: JsonObject;
  };
}

/** How an attempt went. Nothing was sent when it is `abandoned` or `expired`; such are written by the sweeper. */
export type AttemptOutcome = 'delivered' | 'failed' | 'timeout' | 'refused' | 'abandoned' | 'expired';

/** What is kept of an attempt. */
export interface AttemptRecord {
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly outcome: AttemptOutcome;
  /** null: no answer. */
  readonly status: number | null;
  /** For people; null on success. */
  readonly error: string | null;
  /** The first characters of the answer. */
  readonly responseExcerpt: string | null;
}

export type DeliveryVerdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly delayMs: number }
  /** No attempt is left. */
  | { readonly kind: 'exhausted' }
  /** The receiver said 410: its webhook is disabled. */
  | { readonly kind: 'gone' };

/** An attempt that is over. */
export interface SettledAttempt {
  readonly claim: ClaimedDelivery;
  readonly record: AttemptRecord;
  readonly verdict: DeliveryVerdict;
}

interface ClaimRow {
  id: string;
  state: string;
  attempts: number;
  attemptsBefore: number;
  token: number;
  webhookId: bigint;
  url: string;
  domainName: string;
  eventId: string;
  type: OutboxEventType;
  detailed: boolean;
  roomName: string | null;
  roomSessionId: string | null;
  seq: number;
  occurredAt: Date;
  payload: JsonObject;
}

/**
 * Deliveries as the workers see them, many at a time. All times are the database's, so the clocks of two replicas never
 * meet.
 */
export class DeliveryStore {
  constructor(private readonly prisma: PrismaClient) {}

  /**
   * Takes deliveries for one attempt each. Left out is what there is nothing to do about: the job is not the one that was
   * handed out last, somebody is at it, or its webhook is not told things (any more), in which case it waits.
   * @param lockMs when others may take them for abandoned, unless they are renewed by then
   */
  async claim(jobs: readonly ReservedJob[], lockMs: number): Promise<readonly ClaimedDelivery[]> {
    const rows = await this.prisma.$queryRaw<ClaimRow[]>`
      UPDATE "WebhookDelivery" d SET wake = d.wake + 1,
        state = CASE WHEN w.breaker <> 'open' AND ${IS_TOLD} THEN 'sending' ELSE 'pending' END::"DeliveryState",
        "lockedUntil" = CASE WHEN w.breaker <> 'open' AND ${IS_TOLD} THEN now() + ${lockMs}::int * interval '1 ms' END
      FROM jsonb_to_recordset(${JSON.stringify(jobs)}::jsonb) AS job("deliveryId" text, attempt int, wake int),
        "Webhook" w, "OutboxEvent" e
      WHERE d.id = job."deliveryId" AND d.state = 'pending' AND d.attempts = job.attempt - 1 AND d.wake = job.wake
        AND d."lockedUntil" IS NOT NULL AND w.id = d."webhookId" AND w.type = 'url' AND e.id = d."eventId"
      RETURNING d.id, d.state::text, d.attempts, d."attemptsBefore", d.wake AS token, d."webhookId", w.url, w.detailed,
        e."domainName", e.id AS "eventId", e.type, e."roomName", e."roomSessionId", e.seq, e."occurredAt", e.payload`;
    return rows.filter(({ state }) => state === 'sending').map(toClaim);
  }

  /**
   * Says that whoever claimed these is still at it.
   * @param lockMs as for {@link claim}, from now
   * @returns which of them are still claimed; the others have lapsed and may be with another worker
   */
  async renew(claims: readonly ClaimedDelivery[], lockMs: number): Promise<ReadonlySet<DeliveryId>> {
    const rows = await this.prisma.$queryRaw<{ id: string }[]>`
      UPDATE "WebhookDelivery" d SET "lockedUntil" = now() + ${lockMs}::int * interval '1 ms'
      FROM unnest(${claims.map(({ id }) => id)}::text[], ${claims.map(({ token }) => token)}::int[]) AS held(id, token)
      WHERE d.id = held.id AND d.wake = held.token AND d.state = 'sending' AND d."lockedUntil" > now()
      RETURNING d.id`;
    return new Set(rows.map(({ id }) => brandAs<DeliveryId>(id)));
  }

  /**
   * Records attempts and what follows from them, for the delivery, for its webhook (410) and for its breaker, whose trial
   * it may have been; and lets the deliveries go.
   * @returns those that were recorded; the claims of the others went to other workers
   */
  async settle(attempts: readonly SettledAttempt[]): Promise<ReadonlySet<DeliveryId>> {
    const rows = await this.prisma.$queryRaw<{ id: string }[]>`
      WITH told AS (
        SELECT * FROM jsonb_to_recordset(${JSON.stringify(attempts.map(settlement))}::jsonb) AS told(
          id text, token int, attempt int, state text, "delayMs" bigint, gone boolean, "attemptId" text,
          "startedAt" timestamptz, "durationMs" int, outcome text, status int, error text, "responseExcerpt" text)
      ), settled AS (
        UPDATE "WebhookDelivery" d SET state = told.state::"DeliveryState", attempts = told.attempt, "lockedUntil" = NULL,
          abandoned = 0, "nextAttemptAt" = now() + told."delayMs" * interval '1 ms',
          "finishedAt" = CASE WHEN told."delayMs" IS NULL THEN now() END
        FROM told WHERE d.id = told.id AND d.state = 'sending' AND d.attempts = told.attempt - 1 AND d.wake = told.token
        RETURNING d."webhookId", told.*
      ), recorded AS (
        INSERT INTO "WebhookAttempt" (id, "deliveryId", number, "startedAt", "durationMs", outcome, status, error,
          "responseExcerpt")
        SELECT "attemptId", id, attempt, "startedAt", "durationMs", outcome, status, error, "responseExcerpt" FROM settled
        ON CONFLICT ("deliveryId", number) DO NOTHING
      ), ${JUDGE_WEBHOOKS}
      SELECT id FROM settled`;
    return new Set(rows.map(({ id }) => brandAs<DeliveryId>(id)));
  }

  /**
   * Gives a claim back as if it had never been: the process ends, or our own way out is broken, and that is not the
   * receiver's fault.
   * @param delayMs when it may be handed out again
   */
  async giveBack(claim: ClaimedDelivery, delayMs = 0): Promise<void> {
    await this.prisma.$executeRaw`
      UPDATE "WebhookDelivery" SET state = 'pending', "lockedUntil" = NULL,
        "nextAttemptAt" = now() + ${delayMs}::int * interval '1 ms'
      WHERE id = ${claim.id} AND state = 'sending' AND wake = ${claim.token}::int`;
  }
}

/** A 410 disables; the trial of a breaker that is half open closes it or opens it again. */
const JUDGE_WEBHOOKS = Prisma.sql`judged AS (
  UPDATE "Webhook" w SET
    "disabledAt" = CASE WHEN round.gone THEN coalesce(w."disabledAt", now()) ELSE w."disabledAt" END,
    "disabledReason" = CASE WHEN round.gone THEN coalesce(w."disabledReason", 'gone') ELSE w."disabledReason" END,
    breaker = CASE WHEN w.breaker <> 'half_open' THEN w.breaker WHEN round.well THEN 'closed' ELSE 'open' END::"BreakerState",
    "breakerSince" = CASE WHEN w.breaker = 'half_open' THEN now() ELSE w."breakerSince" END,
    "breakerTrips" = CASE WHEN w.breaker <> 'half_open' THEN w."breakerTrips" WHEN round.well THEN 0
      ELSE w."breakerTrips" + 1 END
  FROM (
    SELECT "webhookId", bool_or(gone) AS gone, bool_or(outcome = 'delivered') AS well FROM settled GROUP BY 1) round
  WHERE w.id = round."webhookId" AND (round.gone OR w.breaker = 'half_open')
)`;

function settlement({ claim, record, verdict }: SettledAttempt) {
  return {
    id: claim.id,
    token: claim.token,
    attempt: claim.attempt,
    state: verdict.kind === 'retry' ? 'pending' : verdict.kind === 'delivered' ? 'delivered' : 'failed',
    delayMs: verdict.kind === 'retry' ? verdict.delayMs : null,
    gone: verdict.kind === 'gone',
    attemptId: `att_${randomBytes(16).toString('hex')}`,
    ...record,
    responseExcerpt: record.responseExcerpt === null ? null : wellFormed(record.responseExcerpt),
  };
}

/** PostgreSQL takes no half characters, such as a text that was cut somewhere may end with. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

function toClaim(row: ClaimRow): ClaimedDelivery {
  return {
    id: brandAs<DeliveryId>(row.id),
    attempt: row.attempts + 1,
    tryNumber: row.attempts + 1 - row.attemptsBefore,
    token: row.token,
    webhookId: brandAs<WebhookId>(Number(row.webhookId)),
    url: row.url,
    domain: brandAs<DomainName>(row.domainName),
    detailed: row.detailed,
    event: {
      id: brandAs<EventId>(row.eventId),
      type: row.type,
      roomName: row.roomName === null ? null : brandAs<RoomName>(row.roomName),
      roomSessionId: row.roomSessionId === null ? null : brandAs<RoomSessionId>(row.roomSessionId),
      seq: row.seq,
      occurredAt: row.occurredAt,
      payload: row.payload,
    },
  };
}
