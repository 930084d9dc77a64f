import {
  brandAs,
  type DeliveryAttempt,
  type DeliveryFilter,
  type DeliveryId,
  type DeliveryLog,
  type DeliveryPage,
  type DeliveryPlace,
  type DeliveryRecord,
  type DomainName,
  type EventId,
  type OutboxEventType,
  type RegionId,
  type Resent,
  type ResendRange,
  type RoomName,
  type WebhookId,
} from '@parley/domain';
import { Prisma, type PrismaClient } from '../generated/client';
import { CONCERNS, newDeliveryIdIn } from './webhook-conditions';

interface RecordRow {
  id: string;
  webhookId: bigint;
  eventId: string;
  type: OutboxEventType;
  domainName: string;
  roomName: string | null;
  seq: number;
  position: bigint;
  occurredAt: Date;
  state: DeliveryRecord['state'];
  attempts: number;
  nextAttemptAt: Date | null;
  createdAt: Date;
  finishedAt: Date | null;
}

interface ResentRow {
  chosen: number;
  made: number;
  reached: bigint | null;
}

const TRANSACTION = { maxWait: 5_000, timeout: 60_000 } as const;

const COLUMNS = Prisma.sql`d.id, d."webhookId", d."eventId", e.type, e."domainName", d."roomName", e.seq, d.position,
  e."occurredAt", d.state::text, d.attempts, d."nextAttemptAt", d."createdAt", d."finishedAt"`;

/** What is written into a delivery (alias `d`) that is to be sent anew. Its number of attempts goes on: each has its row. */
const SENT_ANEW = Prisma.sql`state = 'pending', "nextAttemptAt" = now(), "lockedUntil" = NULL, "finishedAt" = NULL,
  abandoned = 0, "attemptsBefore" = d.attempts`;

/** Most deliveries that one page looks at for those of a room or an event: a webhook may have had millions. */
export const DELIVERIES_SEEN_PER_PAGE = 10_000;

/** Where a delivery stands in the list, and a place to compare that with. */
const PLACE = Prisma.sql`(d."createdAt", d.position)`;
const placed = ({ createdAt, position }: DeliveryPlace): Prisma.Sql =>
  Prisma.sql`(${createdAt}::timestamptz, ${position}::bigint)`;

/** The log of deliveries in PostgreSQL. */
export class DeliveryLogStore implements DeliveryLog {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly region: RegionId,
  ) {}

  async list(
    webhook: WebhookId,
    filter: DeliveryFilter,
    { after, limit }: { readonly after: DeliveryPlace | null; readonly limit: number },
  ): Promise<DeliveryPage> {
    const last = await this.endOfPage(webhook, filter, after);
    const within = [...conditions(filter, after), ...(last === null ? [] : [Prisma.sql`${PLACE} >= ${placed(last)}`])];
    // One more than asked for says whether there is another page.
    const rows = await this.prisma.$queryRaw<RecordRow[]>`
      SELECT ${COLUMNS} FROM "WebhookDelivery" d JOIN "OutboxEvent" e ON e.id = d."eventId"
      WHERE d."webhookId" = ${webhook}::bigint AND ${Prisma.join(within, ' AND ')}
      ORDER BY d."createdAt" DESC, d.position DESC LIMIT ${limit + 1}`;
    const deliveries = rows.slice(0, limit).map(toRecord);
    return { deliveries, next: rows.length > limit ? (deliveries.at(-1) ?? null) : last };
  }

  /** The place up to which a page looks whose filter no index serves; null: to the end. */
  private async endOfPage(
    webhook: WebhookId,
    { type, roomName, since, until }: DeliveryFilter,
    after: DeliveryPlace | null,
  ): Promise<DeliveryPlace | null> {
    if (type === undefined && roomName === undefined) return null;
    const times = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) };
    const [row] = await this.prisma.$queryRaw<DeliveryPlace[]>`
      SELECT d."createdAt", d.position FROM "WebhookDelivery" d
      WHERE d."webhookId" = ${webhook}::bigint AND ${Prisma.join(conditions(times, after), ' AND ')}
      ORDER BY d."createdAt" DESC, d.position DESC OFFSET ${DELIVERIES_SEEN_PER_PAGE - 1}::int LIMIT 1`;
    return row ?? null;
  }

  async find(id: DeliveryId): Promise<DeliveryRecord | null> {
    // PostgreSQL's text knows no NUL.
    if (id.includes('\0')) return null;
    const [row] = await this.prisma.$queryRaw<RecordRow[]>`
      SELECT ${COLUMNS} FROM "WebhookDelivery" d JOIN "OutboxEvent" e ON e.id = d."eventId" WHERE d.id = ${id}`;
    return row === undefined ? null : toRecord(row);
  }

  async attempts(id: DeliveryId): Promise<readonly DeliveryAttempt[]> {
    return this.prisma.webhookAttempt.findMany({
      where: { deliveryId: id },
      orderBy: { number: 'asc' },
      omit: { id: true, deliveryId: true },
    });
  }

  async resend(id: DeliveryId): Promise<void> {
    await this.prisma.$executeRaw`
      UPDATE "WebhookDelivery" d SET ${SENT_ANEW} WHERE d.id = ${id} AND d.state <> 'sending'`;
  }

  async recover(webhook: WebhookId, range: ResendRange): Promise<Resent> {
    return this.resent(
      Prisma.sql`
        WITH chosen AS (
          SELECT d.id, d.position FROM "WebhookDelivery" d JOIN "OutboxEvent" e ON e.id = d."eventId"
          WHERE d."webhookId" = ${webhook}::bigint AND d.state = 'failed' AND ${within(range)}
          ORDER BY d.position LIMIT ${range.limit}
        ), made AS (
          UPDATE "WebhookDelivery" d SET ${SENT_ANEW} FROM chosen
          WHERE d.id = chosen.id AND d.state = 'failed' RETURNING d.id
        )
        SELECT count(*)::int AS chosen, max(position) AS reached, (SELECT count(*)::int FROM made) AS made FROM chosen`,
      range,
    );
  }

  async replay(webhook: WebhookId, types: readonly OutboxEventType[], range: ResendRange): Promise<Resent> {
    return this.resent(
      Prisma.sql`
        WITH chosen AS (
          SELECT e.id, e.position, e."roomName" FROM "OutboxEvent" e JOIN "Webhook" w ON ${CONCERNS}
          WHERE w.id = ${webhook}::bigint AND e.type = ANY(${[...types]}::text[]) AND ${within(range)}
          ORDER BY e.position LIMIT ${range.limit}
        ), made AS (
          INSERT INTO "WebhookDelivery" AS d (id, "eventId", "webhookId", "roomName", position, "nextAttemptAt")
          SELECT ${newDeliveryIdIn(this.region)}, e.id, ${webhook}::bigint, e."roomName", e.position, now() FROM chosen e
          ON CONFLICT ("eventId", "webhookId") DO UPDATE SET ${SENT_ANEW} WHERE d.state <> 'sending'
          RETURNING d.id
        )
        SELECT count(*)::int AS chosen, max(position) AS reached, (SELECT count(*)::int FROM made) AS made FROM chosen`,
      range,
    );
  }

  private async resent(statement: Prisma.Sql, { limit }: ResendRange): Promise<Resent> {
    const [row] = await this.prisma.$transaction((tx) => tx.$queryRaw<ResentRow[]>(statement), TRANSACTION);
    const { chosen, made, reached } = row ?? { chosen: 0, made: 0, reached: null };
    return { count: made, reached: chosen === limit ? reached : null };
  }
}

/** Of an event, alias `e`. One that is not relayed yet has no position: it is told anyway. */
function within({ since, until, after }: ResendRange): Prisma.Sql {
  return Prisma.sql`e.position > ${after}::bigint AND e."occurredAt" >= ${since}::timestamptz
    AND e."occurredAt" < ${until}::timestamptz`;
}

function conditions(filter: DeliveryFilter, after: DeliveryPlace | null): Prisma.Sql[] {
  const { state, type, roomName, since, until } = filter;
  return [
    Prisma.sql`true`,
    ...(state === undefined ? [] : [Prisma.sql`d.state = ${state}::"DeliveryState"`]),
    ...(type === undefined ? [] : [Prisma.sql`e.type = ${type}`]),
    ...(roomName === undefined ? [] : [Prisma.sql`d."roomName" = ${roomName}`]),
    ...(since === undefined ? [] : [Prisma.sql`d."createdAt" >= ${since}::timestamptz`]),
    ...(until === undefined ? [] : [Prisma.sql`d."createdAt" < ${until}::timestamptz`]),
    ...(after === null ? [] : [Prisma.sql`${PLACE} < ${placed(after)}`]),
  ];
}

function toRecord({ domainName, ...row }: RecordRow): DeliveryRecord {
  return {
    ...row,
    id: brandAs<DeliveryId>(row.id),
    webhookId: brandAs<WebhookId>(Number(row.webhookId)),
    eventId: brandAs<EventId>(row.eventId),
    domain: brandAs<DomainName>(domainName),
    roomName: row.roomName === null ? null : brandAs<RoomName>(row.roomName),
  };
}
