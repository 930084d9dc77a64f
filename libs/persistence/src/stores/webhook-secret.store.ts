import { randomBytes } from 'node:crypto';
import type { WebhookId, WebhookSecretRecord, WebhookSecretStore } from '@parley/domain';
import type { Connection } from '../prisma-client';
import type { Sealer, SealedPlace } from '../sealing';

/** Signing secrets of webhooks in PostgreSQL, sealed. Only for use inside a unit of work: the lock lasts as long. */
export class PrismaWebhookSecretStore implements WebhookSecretStore {
  constructor(
    private readonly db: Connection,
    private readonly sealer: Sealer,
  ) {}

  async add(webhook: WebhookId, secret: { text: string; signsUntil: Date | null }, now: Date): Promise<void> {
    const id = `whs_${randomBytes(12).toString('hex')}`;
    const secretSealed = this.sealer.seal(webhookSecretPlace(id), secret.text);
    const { signsUntil } = secret;
    await this.db.webhookSecret.create({
      data: { id, webhookId: BigInt(webhook), secretSealed, signsUntil, createdAt: now },
    });
  }

  async signing(webhook: WebhookId, now: Date): Promise<readonly WebhookSecretRecord[]> {
    return this.db.webhookSecret.findMany({
      where: { webhookId: BigInt(webhook), OR: [{ signsUntil: null }, { signsUntil: { gt: now } }] },
      select: { id: true, createdAt: true, signsUntil: true },
      orderBy: [{ signsUntil: { sort: 'desc', nulls: 'first' } }, { createdAt: 'desc' }, { id: 'asc' }],
    });
  }

  async endBy(webhook: WebhookId, until: Date): Promise<void> {
    await this.db.$executeRaw`SELECT 1 FROM "Webhook" WHERE id = ${webhook}::bigint FOR NO KEY UPDATE`;
    await this.db.webhookSecret.updateMany({
      where: { webhookId: BigInt(webhook), OR: [{ signsUntil: null }, { signsUntil: { gt: until } }] },
      data: { signsUntil: until },
    });
  }
}

export function webhookSecretPlace(id: string): SealedPlace {
  return { table: 'WebhookSecret', row: id, column: 'secret' };
}
