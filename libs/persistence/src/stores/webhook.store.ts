import {
  brandAs,
  numericId,
  type DomainName,
  OUTBOX_EVENT_TYPES,
  webhookState,
  withWebhookDefaults,
  type NewWebhook,
  type OutboxEventType,
  type RoomName,
  type Webhook,
  type WebhookId,
  type WebhookStore,
} from '@parley/domain';
import type { WebhookModel } from '../generated/models';
import type { Connection } from '../prisma-client';
import { passesFilter } from '../webhook-filter';

/** Webhooks in PostgreSQL. A removed one stays as a row, for its deliveries, and is not found any more. */
export class PrismaWebhookStore implements WebhookStore {
  constructor(
    private readonly db: Connection,
    private readonly regionNumber: number,
  ) {}

  async insert(webhook: NewWebhook, now: Date): Promise<Webhook> {
    const { domain, target, roomName, events, order, detailed } = withWebhookDefaults(webhook);
    const row = await this.db.webhook.create({
      data: {
        id: await this.nextId(),
        domainName: domain,
        roomName,
        events: [...events],
        order,
        detailed,
        type: target.type,
        url: target.type === 'url' ? target.url : null,
        robotId: target.type === 'robot' ? BigInt(target.robotId) : null,
        validated: target.type === 'robot',
        provenAt: target.type === 'robot' ? now : null,
        nextValidationAt: target.type === 'url' ? now : null,
        handshakeAwaited: target.type === 'url',
        createdAt: now,
      },
    });
    return toWebhook(row);
  }

  async find(id: WebhookId): Promise<Webhook | null> {
    const row = isWebhookId(id)
      ? await this.db.webhook.findFirst({ where: { id: BigInt(id), removedAt: null } })
      : null;
    return row && toWebhook(row);
  }

  async list(domain: DomainName, filter: { token?: string; validated?: boolean }): Promise<readonly Webhook[]> {
    const rows = await this.db.webhook.findMany({
      where: { domainName: domain, removedAt: null },
      orderBy: { id: 'asc' },
    });
    // Filtered here: LIKE would take `_` and `%` in a token for wildcards.
    return rows.map(toWebhook).filter((webhook) => passesFilter(webhook, filter));
  }

  async remove(id: WebhookId, now: Date): Promise<boolean> {
    if (!isWebhookId(id)) return false;
    const { count } = await this.db.webhook.updateMany({
      where: { id: BigInt(id), removedAt: null },
      data: { removedAt: now, nextValidationAt: null },
    });
    return count === 1;
  }

  async requestValidation(id: WebhookId, now: Date): Promise<void> {
    if (!isWebhookId(id)) return;
    // Awaited, so that its outcome is recognised without comparing two machines' clocks. Who has proved itself before does
    // not get out of a cycle that is failing: it could put the warning off for ever.
    await this.db.$executeRaw`
      UPDATE "Webhook" SET "nextValidationAt" = ${now}::timestamptz, "validationCause" = 'requested',
        "handshakeAwaited" = true,
        "validationAttempts" = CASE WHEN validated THEN "validationAttempts" ELSE 0 END
      WHERE id = ${id}::bigint AND "removedAt" IS NULL AND type = 'url'`;
  }

  async handshakeOutcome(id: WebhookId): Promise<{ validated: boolean } | null> {
    const row = isWebhookId(id)
      ? await this.db.webhook.findFirst({
          where: { id: BigInt(id), handshakeAwaited: false },
          select: { validated: true, suspendedAt: true, disabledAt: true },
        })
      : null;
    if (row === null) return null;
    // One that we stopped telling things is only told again once it passes.
    return { validated: row.validated && row.suspendedAt === null && row.disabledAt === null };
  }

  private async nextId(): Promise<bigint> {
    const counter = await this.db.counter.upsert({
      where: { name: 'webhook' },
      create: { name: 'webhook', value: 1n },
      update: { value: { increment: 1n } },
    });
    return BigInt(numericId(Number(counter.value), this.regionNumber));
  }
}

export function isWebhookId(id: WebhookId): boolean {
  return Number.isSafeInteger(id) && id >= 0;
}

function isEventType(text: string): text is OutboxEventType {
  return OUTBOX_EVENT_TYPES.some((type) => type === text);
}

export function toWebhook(row: WebhookModel): Webhook {
  return {
    id: brandAs<WebhookId>(Number(row.id)),
    domain: brandAs<DomainName>(row.domainName),
    roomName: row.roomName === null ? null : brandAs<RoomName>(row.roomName),
    target:
      row.type === 'url' ? { type: 'url', url: row.url ?? '' } : { type: 'robot', robotId: Number(row.robotId ?? 0n) },
    // A release that knows more kinds of events may have written the row.
    events: row.events.filter(isEventType),
    order: row.order,
    detailed: row.detailed,
    validated: row.validated,
    state: webhookState(row),
  };
}
