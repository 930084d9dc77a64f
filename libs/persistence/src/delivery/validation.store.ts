import {
  brandAs,
  type AlertReason,
  type DomainName,
  type RegionId,
  type ValidationCause,
  type WebhookId,
} from '@parley/domain';
import { Prisma, type PrismaClient } from '../generated/client';
import { appendWebhookAlert } from './webhook-alerts';
import { afterHandshake, type ValidationVerdict, type WebhookBefore } from './validation-outcome';

export type { ValidationVerdict };

/** A webhook whose handshake this worker, and no other, is to do now. */
export interface ClaimedValidation {
  readonly id: WebhookId;
  readonly url: string;
  readonly domain: DomainName;
  /** Why it has to prove itself. */
  readonly cause: ValidationCause;
  /** How many handshakes of this cycle failed. */
  readonly failures: number;
  /** Since when it was due: later on settling when somebody asked for another handshake meanwhile. */
  readonly dueAt: Date;
  /** Shows on settling that the claim has not lapsed. */
  readonly token: bigint;
}

/** One handshake as its webhook's owner sees it; `id` names its request. */
export interface HandshakeRecord {
  readonly id: string;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** null: no answer. */
  readonly status: number | null;
}

/** What came of settling. */
export interface SettledValidation {
  /** False: the claim had lapsed, or the URL changed meanwhile; the outcome stands in the history and changes nothing. */
  readonly settled: boolean;
  /** What the other webhooks of the domain are told about this one. */
  readonly alert: AlertReason | null;
  /** Another one was asked for while this one was under way, and is due. */
  readonly askedAgain: boolean;
}

/** A request's time is the api's clock; a difference of this much to the database's does not delay its handshake. */
const CLOCK_TOLERANCE_MS = 2_000;

const TRANSACTION = { maxWait: 5_000, timeout: 15_000 } as const;

/** Nobody is at it. A receiver that is told nothing for now is not asked unless somebody wants it to be. */
const MAY_BE_DUE = Prisma.sql`w.type = 'url' AND w."removedAt" IS NULL AND NOT w.frozen AND NOT w."accountDisabled"
  AND (w."validationLockedUntil" IS NULL OR w."validationLockedUntil" <= now())
  AND NOT (w."validationCause" = 'periodic' AND (w."disabledAt" IS NOT NULL OR w."pausedAt" IS NOT NULL))`;

/** Handshakes as the dispatcher sees them. Times are the database's. */
export class ValidationStore {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly region: RegionId,
  ) {}

  /** Null when none is due, somebody is at it, or the webhook was removed. */
  async claim(id: WebhookId, lockMs: number): Promise<ClaimedValidation | null> {
    const [row] = await this.prisma.$queryRaw<
      { url: string; domain: string; cause: ValidationCause; failures: number; dueAt: Date; token: bigint }[]
    >`
      UPDATE "Webhook" w SET "validationLockedUntil" = now() + ${lockMs}::int * interval '1 ms'
      WHERE w.id = ${id}::bigint AND ${MAY_BE_DUE}
        AND w."nextValidationAt" <= now() + ${CLOCK_TOLERANCE_MS}::int * interval '1 ms'
      RETURNING w.url, w."domainName" AS domain, w."validationCause" AS cause, w."validationAttempts" AS failures,
        w."nextValidationAt" AS "dueAt", (extract(epoch FROM w."validationLockedUntil") * 1000)::bigint AS token`;
    return row === undefined ? null : { ...row, id, domain: brandAs<DomainName>(row.domain) };
  }

  /** Records a handshake and what follows from it, the alert included. One that was asked for meanwhile is still to come. */
  async settle(
    claim: ClaimedValidation,
    handshake: HandshakeRecord,
    verdict: ValidationVerdict,
  ): Promise<SettledValidation> {
    return this.prisma.$transaction(async (tx) => {
      const { id, startedAt, durationMs, status } = handshake;
      const passed = verdict.kind === 'passed';
      await tx.$executeRaw`
        INSERT INTO "WebhookValidation" (id, "webhookId", cause, "startedAt", "durationMs", passed, status, error)
        SELECT ${id}, id, ${claim.cause}, ${startedAt}, ${durationMs}::int, ${passed}, ${status}::int,
          ${passed ? null : verdict.error}
        FROM "Webhook" WHERE id = ${claim.id}::bigint`;
      const [before] = await tx.$queryRaw<WebhookBefore[]>`
        SELECT now() AS now, "validationAttempts" AS attempts, "failedValidations", "suspendedAt", "disabledAt", validated,
          coalesce("provenAt", CASE WHEN validated THEN "createdAt" END) AS "provenAt",
          CASE WHEN "nextValidationAt" <> ${claim.dueAt}::timestamptz THEN "nextValidationAt" END AS "askedAgainAt"
        FROM "Webhook" WHERE id = ${claim.id}::bigint AND url = ${claim.url}
          AND (extract(epoch FROM "validationLockedUntil") * 1000)::bigint = ${claim.token}::bigint
        FOR NO KEY UPDATE`;
      if (before === undefined) return { settled: false, alert: null, askedAgain: false };
      const { changes, alert } = afterHandshake(before, verdict);
      await tx.webhook.update({
        where: { id: BigInt(claim.id) },
        data: { ...changes, lastValidationAt: before.now, validationLockedUntil: null },
      });
      if (alert !== null) {
        await appendWebhookAlert(
          tx,
          this.region,
          { webhookId: claim.id, domain: claim.domain, reason: alert },
          before.now,
        );
      }
      return { settled: true, alert, askedAgain: before.askedAgainAt !== null };
    }, TRANSACTION);
  }

  /** Gives a claim back: the process ends. */
  async giveBack(claim: ClaimedValidation): Promise<void> {
    await this.prisma.$executeRaw`
      UPDATE "Webhook" SET "validationLockedUntil" = NULL WHERE id = ${claim.id}::bigint
        AND (extract(epoch FROM "validationLockedUntil") * 1000)::bigint = ${claim.token}::bigint`;
  }

  /** Webhooks whose handshake is due and that nobody is at. */
  async due(limit: number): Promise<readonly WebhookId[]> {
    const rows = await this.prisma.$queryRaw<{ id: bigint }[]>`
      SELECT w.id FROM "Webhook" w WHERE w."nextValidationAt" <= now() AND ${MAY_BE_DUE}
      ORDER BY w."nextValidationAt" LIMIT ${limit}`;
    return rows.map(({ id }) => brandAs<WebhookId>(Number(id)));
  }
}
