import { brandAs, type WebhookId, type WebhookKeys } from '@parley/domain';
import type { PrismaClient } from '../generated/client';
import type { Sealer } from '../sealing';
import { previousWebhookKeyPlace, webhookKeyPlace } from '../stores/tenancy.store';
import { webhookSecretPlace } from '../stores/webhook-secret.store';

/** What a request to a webhook's receiver needs to know of its secrets and its domain. */
export interface RequestKeys extends WebhookKeys {
  /** Plain http and loopback receivers are allowed. */
  readonly insecure: boolean;
}

interface KeysRow {
  id: bigint;
  domain: string;
  current: string;
  previous: string | null;
  insecure: boolean;
  secrets: readonly { readonly id: string; readonly sealed: string }[];
}

/** What requests to receivers are signed with. Times are the database's. */
export class WebhookSecrets {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly sealer: Sealer,
  ) {}

  /**
   * All keys that sign now, newest first, of those webhooks that are there (still).
   * @throws SealBroken when one of them was sealed with a master key that is not at hand
   */
  async keysOf(webhooks: readonly WebhookId[]): Promise<ReadonlyMap<WebhookId, RequestKeys>> {
    const rows = await this.prisma.$queryRaw<KeysRow[]>`
      SELECT w.id, d.name AS domain, d."webhookKeySealed" AS current, d."insecureWebhooks" AS insecure,
        CASE WHEN d."previousWebhookKeyUntil" > now() THEN d."previousWebhookKeySealed" END AS previous,
        (SELECT coalesce(jsonb_agg(jsonb_build_object('id', s.id, 'sealed', s."secretSealed")
            ORDER BY s."signsUntil" DESC NULLS FIRST, s."createdAt" DESC), '[]') FROM "WebhookSecret" s
          WHERE s."webhookId" = w.id AND (s."signsUntil" IS NULL OR s."signsUntil" > now())) AS secrets
      FROM "Webhook" w JOIN "Domain" d ON d.name = w."domainName"
      WHERE w.id = ANY(${webhooks}::bigint[])`;
    return new Map(rows.map((row) => [brandAs<WebhookId>(Number(row.id)), this.open(row)]));
  }

  private open({ domain, current, previous, insecure, secrets }: KeysRow): RequestKeys {
    const webhookKeys = [this.sealer.open(webhookKeyPlace(domain), current)];
    if (previous !== null) webhookKeys.push(this.sealer.open(previousWebhookKeyPlace(domain), previous));
    return {
      insecure,
      webhookKeys,
      secrets: secrets.map(({ id, sealed }) => this.sealer.open(webhookSecretPlace(id), sealed)),
    };
  }

  /** Deletes secrets and webhook keys that do not sign any more. Answers how many. */
  async deleteLapsed(): Promise<number> {
    const secrets = await this.prisma.$executeRaw`DELETE FROM "WebhookSecret" WHERE "signsUntil" <= now()`;
    const keys = await this.prisma.$executeRaw`
      UPDATE "Domain" SET "previousWebhookKeySealed" = NULL, "previousWebhookKeyUntil" = NULL
      WHERE "previousWebhookKeyUntil" <= now()`;
    return secrets + keys;
  }
}
