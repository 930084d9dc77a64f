import { brandAs, type DomainName, type WebhookId } from '@parley/domain';
import type { PrismaClient } from '../generated/client';

/** A webhook whose handshake this worker, and no other, is to do now. */
export interface ClaimedValidation {
  readonly id: WebhookId;
  readonly url: string;
  readonly domain: DomainName;
  /** How many handshakes failed since the last success or request. */
  readonly failures: number;
  /** Shows on settling that the claim has not lapsed. */
  readonly token: bigint;
}

export type ValidationVerdict =
  | { readonly kind: 'passed' }
  /** Tried again after a while; a webhook that was validated stays so meanwhile. */
  | { readonly kind: 'failed'; readonly error: string; readonly retryMs: number }
  /** The last try failed: not validated until somebody asks for another handshake. */
  | { readonly kind: 'gave-up'; readonly error: string };

/** A request's time is the api's clock; a difference of this much to the database's does not delay its handshake. */
const CLOCK_TOLERANCE_MS = 2_000;

/** Handshakes as the dispatcher sees them. Times are the database's. */
export class ValidationStore {
  constructor(private readonly prisma: PrismaClient) {}

  /** Null when none is due, somebody is at it, or the webhook was removed. */
  async claim(id: WebhookId, lockMs: number): Promise<ClaimedValidation | null> {
    const [row] = await this.prisma.$queryRaw<
      { id: bigint; url: string; domainName: string; failures: number; token: bigint }[]
    >`
      UPDATE "Webhook" SET "validationLockedUntil" = now() + ${lockMs}::int * interval '1 ms'
      WHERE id = ${id}::bigint AND type = 'url' AND "removedAt" IS NULL
        AND "nextValidationAt" <= now() + ${CLOCK_TOLERANCE_MS}::int * interval '1 ms'
        AND ("validationLockedUntil" IS NULL OR "validationLockedUntil" <= now())
      RETURNING id, url, "domainName", "validationAttempts" AS failures,
        (extract(epoch FROM "validationLockedUntil") * 1000)::bigint AS token`;
    if (row === undefined) return null;
    const { url, failures, token } = row;
    return { id, url, failures, token, domain: brandAs<DomainName>(row.domainName) };
  }

  /** Records the outcome. False when the claim had lapsed. */
  async settle(claim: ClaimedValidation, verdict: ValidationVerdict): Promise<boolean> {
    const passed = verdict.kind === 'passed';
    const retryMs = verdict.kind === 'failed' ? verdict.retryMs : null;
    const settled = await this.prisma.$executeRaw`
      UPDATE "Webhook" SET "lastValidationAt" = now(), "validationLockedUntil" = NULL,
        validated = CASE ${verdict.kind} WHEN 'passed' THEN true WHEN 'gave-up' THEN false ELSE validated END,
        "lastValidationError" = ${passed ? null : verdict.error},
        "validationAttempts" = ${passed ? 0 : claim.failures + 1}::int,
        "nextValidationAt" = now() + ${retryMs}::int * interval '1 ms'
      WHERE id = ${claim.id}::bigint
        AND (extract(epoch FROM "validationLockedUntil") * 1000)::bigint = ${claim.token}::bigint`;
    return settled === 1;
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
      SELECT id FROM "Webhook" WHERE "nextValidationAt" <= now() AND type = 'url' AND "removedAt" IS NULL
        AND ("validationLockedUntil" IS NULL OR "validationLockedUntil" <= now())
      ORDER BY "nextValidationAt" LIMIT ${limit}`;
    return rows.map(({ id }) => brandAs<WebhookId>(Number(id)));
  }
}
