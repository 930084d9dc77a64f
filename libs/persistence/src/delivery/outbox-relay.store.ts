import { brandAs, type WebhookId } from '@parley/domain';
import type { PrismaClient } from '../generated/client';

/** What one round of the relay did. */
export interface RelayRound {
  /** How many events were turned into deliveries. */
  readonly events: number;
  /** Webhooks that have new deliveries. */
  readonly webhooks: readonly WebhookId[];
  /** Some rooms may have been left over, so another round is worth it. */
  readonly more: boolean;
}

const TRANSACTION = { maxWait: 5_000, timeout: 15_000 } as const;

/** The dispatcher's end of the outbox. */
export class OutboxRelayStore {
  constructor(private readonly prisma: PrismaClient) {}

  /**
   * Writes one delivery for each event that is not relayed yet and each validated URL webhook of its domain that listens
   * to the room or to all rooms, and marks the events as relayed: all in one transaction, so a crash repeats or does
   * nothing. A room's events are taken in `seq` order by one relay at a time; other relays take other rooms meanwhile.
   *
   * Robots get no deliveries: there is nobody to POST to; they are summoned from the room's own events.
   * @param rooms how many rooms to take at most
   */
  async relay(rooms: number): Promise<RelayRound> {
    return this.prisma.$transaction(async (tx) => {
      // An event outside of rooms stands for itself. No cursor over ids or times: rows do not commit in their order.
      const found = await tx.$queryRaw<{ key: string }[]>`
        SELECT coalesce("roomSessionId", id) AS key FROM "OutboxEvent"
        WHERE "relayedAt" IS NULL GROUP BY 1 ORDER BY min("occurredAt") LIMIT ${rooms}`;
      if (found.length === 0) return { events: 0, webhooks: [], more: false };
      const locked = await tx.$queryRaw<{ key: string }[]>`
        SELECT key FROM unnest(${found.map(({ key }) => key)}::text[]) AS key
        WHERE pg_try_advisory_xact_lock(hashtextextended('parley:outbox:' || key, 0))`;
      const events = await tx.$queryRaw<{ id: string }[]>`
        SELECT id FROM "OutboxEvent"
        WHERE "relayedAt" IS NULL AND coalesce("roomSessionId", id) = ANY(${locked.map(({ key }) => key)}::text[])
        ORDER BY "roomSessionId", seq FOR UPDATE SKIP LOCKED`;
      const ids = events.map(({ id }) => id);
      const made = await tx.$queryRaw<{ webhookId: bigint }[]>`
        INSERT INTO "WebhookDelivery" (id, "eventId", "webhookId", "nextAttemptAt")
        SELECT 'dlv_' || replace(gen_random_uuid()::text, '-', ''), e.id, w.id, now()
        FROM "OutboxEvent" e JOIN "Webhook" w ON w."domainName" = e."domainName"
        WHERE e.id = ANY(${ids}::text[]) AND w.type = 'url' AND w.validated AND w."removedAt" IS NULL
          AND (w."roomName" IS NULL OR w."roomName" = e."roomName")
        ON CONFLICT ("eventId", "webhookId") DO NOTHING
        RETURNING "webhookId"`;
      await tx.$executeRaw`UPDATE "OutboxEvent" SET "relayedAt" = now() WHERE id = ANY(${ids}::text[])`;
      const webhooks = [...new Set(made.map(({ webhookId }) => Number(webhookId)))].map((id) => brandAs<WebhookId>(id));
      return { events: ids.length, webhooks, more: locked.length > 0 && found.length === rooms };
    }, TRANSACTION);
  }
}
