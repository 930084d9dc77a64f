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
import type { Prisma, PrismaClient } from '../generated/client';

/** A delivery that this worker, and no other, is to send now. */
export interface ClaimedDelivery {
  readonly id: DeliveryId;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
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

/** What is kept of an attempt. */
export interface AttemptRecord {
  readonly startedAt: Date;
  readonly durationMs: number;
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
  /** The receiver said 410: its webhook is told nothing more until it proves itself again. */
  | { readonly kind: 'gone' };

interface ClaimRow {
  id: string;
  attempts: number;
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

const TRANSACTION = { maxWait: 5_000, timeout: 15_000 } as const;

/** Deliveries as the workers see them. All times are the database's, so the clocks of two replicas never meet. */
export class DeliveryStore {
  constructor(private readonly prisma: PrismaClient) {}

  /**
   * Takes a delivery for one attempt. Null when there is nothing to do: it was attempted already, somebody is at it, its
   * webhook was removed or is not validated (any more).
   * @param attempt the number the job was made for
   * @param lockMs when others may take it for abandoned, unless it is renewed by then
   */
  async claim(id: DeliveryId, attempt: number, lockMs: number): Promise<ClaimedDelivery | null> {
    const [row] = await this.prisma.$queryRaw<ClaimRow[]>`
      UPDATE "WebhookDelivery" d SET state = 'sending', wake = d.wake + 1,
        "lockedUntil" = now() + ${lockMs}::int * interval '1 ms'
      FROM "Webhook" w, "OutboxEvent" e
      WHERE d.id = ${id} AND d.state = 'pending' AND d.attempts = ${attempt - 1}::int
        AND w.id = d."webhookId" AND e.id = d."eventId" AND w.validated AND w."removedAt" IS NULL
      RETURNING d.id, d.attempts, d.wake AS token, d."webhookId", w.url, e."domainName", e.id AS "eventId", e.type,
        w.detailed, e."roomName", e."roomSessionId", e.seq, e."occurredAt", e.payload`;
    return row === undefined ? null : toClaim(row);
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
   * Records the attempt and what follows from it, and lets the delivery go.
   * @returns false when the claim went to another worker; then nothing is recorded
   */
  async settle(claim: ClaimedDelivery, record: AttemptRecord, verdict: DeliveryVerdict): Promise<boolean> {
    return this.prisma.$transaction(async (tx) => {
      if (!(await applyVerdict(tx, claim, verdict))) return false;
      await tx.webhookAttempt.createMany({
        data: [
          { id: `att_${randomBytes(16).toString('hex')}`, deliveryId: claim.id, number: claim.attempt, ...record },
        ],
        skipDuplicates: true,
      });
      if (verdict.kind === 'gone') {
        await tx.webhook.update({
          where: { id: BigInt(claim.webhookId) },
          data: { validated: false, lastValidationError: 'The receiver answered 410 Gone.' },
        });
      }
      return true;
    }, TRANSACTION);
  }

  /** Gives a claim back as if it had never been: the process ends, and that is not the receiver's fault. */
  async giveBack(claim: ClaimedDelivery): Promise<void> {
    await this.prisma.$executeRaw`
      UPDATE "WebhookDelivery" SET state = 'pending', "lockedUntil" = NULL, "nextAttemptAt" = now()
      WHERE id = ${claim.id} AND state = 'sending' AND wake = ${claim.token}::int`;
  }
}

/** False when the claim is not ours any more. */
async function applyVerdict(
  tx: Prisma.TransactionClient,
  claim: ClaimedDelivery,
  verdict: DeliveryVerdict,
): Promise<boolean> {
  const state = verdict.kind === 'retry' ? 'pending' : verdict.kind === 'delivered' ? 'delivered' : 'failed';
  const delayMs = verdict.kind === 'retry' ? verdict.delayMs : null;
  const settled = await tx.$executeRaw`
    UPDATE "WebhookDelivery" SET state = ${state}::"DeliveryState", attempts = ${claim.attempt}::int, "lockedUntil" = NULL,
      "nextAttemptAt" = now() + ${delayMs}::bigint * interval '1 ms',
      "finishedAt" = CASE WHEN ${delayMs}::bigint IS NULL THEN now() END
    WHERE id = ${claim.id} AND state = 'sending' AND attempts = ${claim.attempt - 1}::int AND wake = ${claim.token}::int`;
  return settled === 1;
}

function toClaim(row: ClaimRow): ClaimedDelivery {
  return {
    id: brandAs<DeliveryId>(row.id),
    attempt: row.attempts + 1,
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
