import {
  brandAs,
  OUTBOX_EVENT_TYPES,
  type DomainName,
  type EventFilter,
  type EventId,
  type EventLog,
  type JsonObject,
  type LoggedEvent,
  type OutboxEventType,
  type RoomName,
  type RoomSessionId,
} from '@parley/domain';
import type { PrismaClient } from '../generated/client';

interface EventRow {
  id: string;
  position: bigint;
  type: OutboxEventType;
  roomName: string | null;
  roomSessionId: string | null;
  seq: number;
  occurredAt: Date;
  payload: JsonObject;
}

/** Most events that one page looks at, whether they pass its filter or not: a domain may keep millions. */
export const EVENTS_SEEN_PER_PAGE = 10_000;

/** A domain's relayed events in PostgreSQL. Tests of webhooks, which only they are told of, are left out. */
export class EventLogStore implements EventLog {
  constructor(private readonly prisma: PrismaClient) {}

  async read(
    domain: DomainName,
    filter: EventFilter,
    { after, limit }: { readonly after: bigint; readonly limit: number },
  ): Promise<{ readonly events: readonly LoggedEvent[]; readonly reached: bigint }> {
    // Read first: what stands at or before it is committed, and what is found behind it belongs to the next page.
    const newest = (await this.heads([domain])).get(domain) ?? 0n;
    const isFiltered = filter.types !== undefined || filter.roomName !== undefined;
    const head = isFiltered ? await this.endOfPage(domain, after, newest) : newest;
    const rows = await this.prisma.$queryRaw<EventRow[]>`
      SELECT id, position, type, "roomName", "roomSessionId", seq, "occurredAt", payload FROM "OutboxEvent"
      WHERE "domainName" = ${domain} AND position > ${after}::bigint AND position <= ${head}::bigint
        AND "onlyWebhookId" IS NULL AND type = ANY(${[...(filter.types ?? OUTBOX_EVENT_TYPES)]}::text[])
        AND (${filter.roomName ?? null}::text IS NULL OR "roomName" = ${filter.roomName ?? null})
      ORDER BY position LIMIT ${limit}`;
    const last = rows.length === limit ? rows.at(-1)?.position : undefined;
    return { events: rows.map((row) => toEvent(domain, row)), reached: last ?? (head > after ? head : after) };
  }

  /** The position up to which a page that is filtered looks. */
  private async endOfPage(domain: DomainName, after: bigint, head: bigint): Promise<bigint> {
    const [row] = await this.prisma.$queryRaw<{ position: bigint }[]>`
      SELECT position FROM "OutboxEvent"
      WHERE "domainName" = ${domain} AND position > ${after}::bigint AND position <= ${head}::bigint
      ORDER BY position OFFSET ${EVENTS_SEEN_PER_PAGE - 1}::int LIMIT 1`;
    return row?.position ?? head;
  }

  async heads(domains: readonly DomainName[]): Promise<ReadonlyMap<DomainName, bigint>> {
    const rows = await this.prisma.$queryRaw<{ domain: string; head: bigint | null }[]>`
      SELECT domain, (SELECT max(position) FROM "OutboxEvent" e WHERE e."domainName" = domain) AS head
      FROM unnest(${[...domains]}::text[]) AS domain`;
    return new Map(rows.map(({ domain, head }) => [brandAs<DomainName>(domain), head ?? 0n]));
  }
}

function toEvent(domain: DomainName, { position: _, ...row }: EventRow): LoggedEvent {
  return {
    ...row,
    domain,
    id: brandAs<EventId>(row.id),
    roomName: row.roomName === null ? null : brandAs<RoomName>(row.roomName),
    roomSessionId: row.roomSessionId === null ? null : brandAs<RoomSessionId>(row.roomSessionId),
  };
}
