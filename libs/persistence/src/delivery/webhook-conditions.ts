import type { RegionId } from '@parley/domain';
import { Prisma } from '../generated/client';

// Who hears what, said once for all statements. In each of them the webhook's alias is `w`, the event's `e`.

/**
 * It is told things now: it proved itself where its URL leads, nobody, its owner or we, holds its deliveries back, its
 * account is not disabled, and its domain is not on the way to another region.
 */
export const IS_TOLD = Prisma.sql`(w.validated AND w."removedAt" IS NULL AND w."suspendedAt" IS NULL
  AND w."pausedAt" IS NULL AND w."disabledAt" IS NULL AND NOT w.frozen AND NOT w."accountDisabled")`;

/** Events are kept for it as deliveries: it is told things, or may be again. */
export const IS_KEPT_FOR = Prisma.sql`((w.validated OR w."provenAt" IS NOT NULL) AND w."removedAt" IS NULL
  AND w."disabledAt" IS NULL)`;

/**
 * The event is of its domain and for it alone, or of a room it listens to. What is of no room concerns all rooms. That a
 * webhook is in trouble is told to others: it is the one that does not hear.
 */
export const CONCERNS = Prisma.sql`(w."domainName" = e."domainName" AND CASE
  WHEN e."onlyWebhookId" IS NOT NULL THEN e."onlyWebhookId" = w.id
  ELSE (w."roomName" IS NULL OR e."roomName" IS NULL OR w."roomName" = e."roomName")
    AND (e.type <> 'webhook.alert' OR e.payload->>'webhookId' IS DISTINCT FROM w.id::text) END)`;

/** It wants to hear of this event: it is concerned, and of this kind or addressed. */
export const LISTENS_TO = Prisma.sql`(${CONCERNS} AND (e."onlyWebhookId" IS NOT NULL OR e.type = ANY(w.events)))`;

/** The id of a new delivery of the event, in the region that issued the event, which both ids name. */
export const NEW_DELIVERY_ID = Prisma.sql`'dlv_' || split_part(e.id, '_', 2) || '_' || replace(gen_random_uuid()::text, '-', '')`;

/** The id of a new delivery in this region, of an event that may have come along with its domain from another one. */
export function newDeliveryIdIn(region: RegionId): Prisma.Sql {
  return Prisma.sql`'dlv_' || ${region}::text || '_' || replace(gen_random_uuid()::text, '-', '')`;
}
