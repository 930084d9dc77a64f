import {
  brandAs,
  MAX_ATTEMPTS,
  RETRY_DELAYS_MS,
  type DeliveryId,
  type DomainName,
  type EventId,
  type JsonObject,
  type OutboxEventType,
  type RobotId,
  type RoomName,
  type RoomSessionId,
  type SessionId,
  type WebhookId,
} from '@parley/domain';
import { HEADS_SEEN, ROOM_HEADS } from '../delivery/handing-out.sql';
import { IS_TOLD } from '../delivery/webhook-conditions';
import { Prisma, type PrismaClient } from '../generated/client';

/** A delivery that was handed to one session of a robot. */
export interface HandedDelivery {
  readonly id: DeliveryId;
  /** Tells this hand-over from others of the delivery. */
  readonly token: number;
  readonly session: SessionId;
  readonly webhookId: WebhookId;
  readonly event: {
    readonly id: EventId;
    readonly type: OutboxEventType;
    readonly domain: DomainName;
    readonly roomName: RoomName | null;
    readonly roomSessionId: RoomSessionId | null;
    readonly seq: number;
    readonly occurredAt: Date;
    readonly payload: JsonObject;
  };
}

/** A webhook with deliveries that wait for its robot. */
export interface WaitingWebhook {
  readonly id: WebhookId;
  readonly robot: RobotId;
  /** Of each of its rooms only the first unfinished delivery is handed over. */
  readonly fifo: boolean;
}

interface HandedRow {
  id: string;
  wake: number;
  heldBy: string;
  webhookId: bigint;
  eventId: string;
  type: OutboxEventType;
  domainName: string;
  roomName: string | null;
  roomSessionId: string | null;
  seq: number;
  occurredAt: Date;
  payload: JsonObject;
}

/** So many hand-overs in vain follow each other at once; later ones, of what its robot seems to choke on, after a pause. */
const QUICK_ATTEMPTS = 3;
const PAUSE_MS = 5 * 60_000;
/** A delivery that was handed over often enough in vain is given up at the age at which that of a URL would be. */
const GIVE_UP_MS = RETRY_DELAYS_MS.reduce((sum, delay) => sum + delay, 0);
/** Longest id that is looked up, in characters. */
const ID_SHAPE = /^[\w-]{1,100}$/;

const TRANSACTION = { maxWait: 5_000, timeout: 15_000 } as const;

/**
 * Deliveries of webhooks of type `robot`, as the gateways see them. One is `sending` from when it was handed to a session
 * (`heldBy`) until that acknowledged it or `lockedUntil` passed; who hands over and who hears the acknowledgement need not be
 * the same process. All times are the database's.
 */
export class RobotDeliveryStore {
  /** @param ackMs how long a robot may take to acknowledge, in milliseconds; the same on all replicas */
  constructor(
    private readonly prisma: PrismaClient,
    private readonly ackMs: number,
  ) {}

  /** Webhooks of these robots that have something due. In fifo it may wait for what was handed over before. */
  async waiting(robots: readonly RobotId[]): Promise<readonly WaitingWebhook[]> {
    const rows = await this.prisma.$queryRaw<{ id: bigint; robotId: bigint; fifo: boolean }[]>`
      SELECT w.id, w."robotId", w."order" = 'fifo' AS fifo FROM "Webhook" w
      WHERE w.type = 'robot' AND w."robotId" = ANY(${robots.map(BigInt)}::bigint[]) AND ${IS_TOLD} AND EXISTS (
        SELECT 1 FROM "WebhookDelivery" d
        WHERE d."webhookId" = w.id AND d.state = 'pending' AND d."nextAttemptAt" <= now())
      ORDER BY w.id`;
    return rows.map(({ id, robotId, fifo }) => ({
      id: brandAs<WebhookId>(Number(id)),
      robot: brandAs<RobotId>(Number(robotId)),
      fifo,
    }));
  }

  /** How many deliveries each of these sessions has not acknowledged; those with none are left out. */
  async unacknowledged(sessions: readonly SessionId[]): Promise<ReadonlyMap<SessionId, number>> {
    const rows = await this.prisma.$queryRaw<{ heldBy: string; count: number }[]>`
      SELECT "heldBy", count(*)::int AS count FROM "WebhookDelivery"
      WHERE "heldBy" = ANY(${[...sessions]}::text[]) AND state = 'sending' GROUP BY "heldBy"`;
    return new Map(rows.map(({ heldBy, count }) => [brandAs<SessionId>(heldBy), count]));
  }

  /**
   * Hands the webhook's next deliveries, in the order of their events, to sessions of its robot.
   * @param places a session for each delivery that can be taken; one may stand there several times
   */
  async hand({ id, fifo }: WaitingWebhook, places: readonly SessionId[]): Promise<readonly HandedDelivery[]> {
    if (places.length === 0) return [];
    const webhook = BigInt(id);
    const heads = fifo ? Prisma.sql`RECURSIVE ${ROOM_HEADS(webhook, HEADS_SEEN.robot)}, ` : Prisma.empty;
    const candidates = fifo
      ? Prisma.sql`heads h JOIN "WebhookDelivery" d ON d.id = h.id WHERE h.state = 'pending' AND`
      : Prisma.sql`"WebhookDelivery" d WHERE d."webhookId" = ${webhook}::bigint AND`;
    const rows = await this.prisma.$queryRaw<HandedRow[]>`
      WITH ${heads} free AS (
        SELECT d.id, d.position FROM ${candidates} d.state = 'pending' AND d."nextAttemptAt" <= now()
        ORDER BY d.position, d.id LIMIT ${places.length} FOR UPDATE OF d SKIP LOCKED
      ), placed AS (
        SELECT id, position, row_number() OVER (ORDER BY position, id)::int AS place FROM free
      ), handed AS (
        UPDATE "WebhookDelivery" d SET state = 'sending', wake = d.wake + 1, "heldBy" = (${[...places]}::text[])[placed.place],
          "lockedUntil" = now() + ${this.ackMs}::int * interval '1 ms'
        FROM placed, "Webhook" w WHERE d.id = placed.id AND w.id = d."webhookId" AND ${IS_TOLD}
        RETURNING d.id, d.wake, d."heldBy", d."webhookId", d."eventId", placed.place
      )
      SELECT h.id, h.wake, h."heldBy", h."webhookId", h."eventId", e.type, e."domainName", e."roomName", e."roomSessionId",
        e.seq, e."occurredAt", e.payload
      FROM handed h JOIN "OutboxEvent" e ON e.id = h."eventId" ORDER BY h.place`;
    return rows.map(toHanded);
  }

  /** As if it had never been handed over: it did not leave the house. */
  async takeBack({ id, token }: HandedDelivery): Promise<void> {
    await this.prisma.$executeRaw`
      UPDATE "WebhookDelivery" SET state = 'pending', "lockedUntil" = NULL, "nextAttemptAt" = now()
      WHERE id = ${id} AND state = 'sending' AND wake = ${token}::int`;
  }

  /**
   * A robot has done what a delivery asked of it. Counts also after the time was over, and by whichever of its sessions; a
   * second one changes nothing.
   * @returns `unknown` when no session of this robot was ever handed a delivery with this id
   */
  async acknowledge(robot: RobotId, delivery: string): Promise<'done' | 'unknown'> {
    if (!ID_SHAPE.test(delivery)) return 'unknown';
    return this.prisma.$transaction(async (tx) => {
      const [its] = await tx.$queryRaw<{ state: string; attempts: number; startedAt: Date | null }[]>`
        SELECT d.state::text AS state, d.attempts, d."lockedUntil" - ${this.ackMs}::int * interval '1 ms' AS "startedAt"
        FROM "WebhookDelivery" d JOIN "Webhook" w ON w.id = d."webhookId"
        WHERE d.id = ${delivery} AND w.type = 'robot' AND w."robotId" = ${BigInt(robot)}::bigint
          AND d."heldBy" IS NOT NULL FOR UPDATE OF d`;
      if (its === undefined) return 'unknown';
      if (its.state !== 'sending' && its.state !== 'pending') return 'done';
      if (its.state === 'sending') await noteAcknowledged(tx, delivery, its);
      else if (!(await noteLate(tx, delivery))) await noteAcknowledged(tx, delivery, its);
      return 'done';
    }, TRANSACTION);
  }

  /** A session is over: what it did not acknowledge is for others, now. Answers how many. */
  async letGo(session: SessionId): Promise<number> {
    // What is locked in this moment is waited for: nobody would come back for it.
    const over = Prisma.sql`d."heldBy" = ${session} AND d.state = 'sending' ORDER BY d.id FOR UPDATE OF d`;
    return this.end(over, 'failed', 'The robot went away before it acknowledged.');
  }

  /** It cannot be told: counts as handed over in vain. */
  async refuse({ id, token }: HandedDelivery, why: string): Promise<void> {
    const over = Prisma.sql`d.id = ${id} AND d.state = 'sending' AND d.wake = ${token}::int FOR UPDATE OF d`;
    await this.end(over, 'failed', why);
  }

  /** Takes back what was not acknowledged in time, wherever its robot was. Answers how many. */
  async lapse(limit: number): Promise<number> {
    const over = Prisma.sql`d.state = 'sending' AND d."lockedUntil" <= now() AND EXISTS (
      SELECT 1 FROM "Webhook" w WHERE w.id = d."webhookId" AND w.type = 'robot')
      ORDER BY d."lockedUntil" LIMIT ${limit} FOR UPDATE OF d SKIP LOCKED`;
    return this.end(over, 'timeout', `The robot did not acknowledge within ${this.ackMs / 1_000} s.`);
  }

  /** A robot that comes, or answers again, is handed at once what it was to be handed again later. */
  async freshStart(robot: RobotId): Promise<void> {
    const its = Prisma.sql`w.id = d."webhookId" AND w.type = 'robot' AND w."robotId" = ${BigInt(robot)}::bigint`;
    // What somebody is just taking back is to be handed again later, too: only after their commit it shows. No transaction:
    // in one these locks would last, and of two for the same robot each would wait for the other.
    await this.prisma.$queryRaw`
      SELECT d.id FROM "Webhook" w, "WebhookDelivery" d WHERE ${its} AND d.state = 'sending' ORDER BY d.id FOR SHARE OF d`;
    await this.prisma.$executeRaw`
      WITH later AS (
        SELECT d.id FROM "Webhook" w, "WebhookDelivery" d
        WHERE ${its} AND d.state = 'pending' AND d."nextAttemptAt" > now() ORDER BY d.id FOR NO KEY UPDATE OF d
      )
      UPDATE "WebhookDelivery" d SET "nextAttemptAt" = now() FROM later WHERE d.id = later.id`;
  }

  /** Hand-overs that came to nothing: each is an attempt. `over`: which, and how they are locked. */
  private async end(over: Prisma.Sql, outcome: 'failed' | 'timeout', error: string): Promise<number> {
    const [row] = await this.prisma.$queryRaw<{ count: number }[]>`
      WITH over AS (
        SELECT d.id, least(now(), d."lockedUntil" - ${this.ackMs}::int * interval '1 ms') AS "startedAt",
          d.attempts + 1 AS number, d.attempts + 1 - d."attemptsBefore" AS tries
        FROM "WebhookDelivery" d WHERE ${over}
      ), ended AS (
        UPDATE "WebhookDelivery" d SET attempts = over.number, "lockedUntil" = NULL,
          state = CASE WHEN ${GAVE_UP} THEN 'failed' ELSE 'pending' END::"DeliveryState",
          "finishedAt" = CASE WHEN ${GAVE_UP} THEN now() END,
          "nextAttemptAt" = CASE WHEN NOT ${GAVE_UP} THEN now()
            + CASE WHEN over.tries < ${QUICK_ATTEMPTS}::int THEN 0 ELSE ${PAUSE_MS}::int END * interval '1 ms' END
        FROM over WHERE d.id = over.id RETURNING d.id
      ), noted AS (
        INSERT INTO "WebhookAttempt" (id, "deliveryId", number, "startedAt", "durationMs", outcome, error)
        SELECT ${ATTEMPT_ID}, id, number, "startedAt",
          greatest(0, extract(epoch FROM now() - "startedAt") * 1000)::int, ${outcome}, ${error} FROM over
        ON CONFLICT ("deliveryId", number) DO NOTHING
      )
      SELECT count(*)::int AS count FROM ended`;
    return row?.count ?? 0;
  }
}

const ATTEMPT_ID = Prisma.sql`'att_' || replace(gen_random_uuid()::text, '-', '')`;

/** Of `over` and its delivery `d`. */
const GAVE_UP = Prisma.sql`(over.tries >= ${MAX_ATTEMPTS}::int
  AND d."createdAt" <= now() - ${GIVE_UP_MS}::bigint * interval '1 ms')`;

async function noteAcknowledged(
  tx: Prisma.TransactionClient,
  id: string,
  { attempts, startedAt }: { attempts: number; startedAt: Date | null },
): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO "WebhookAttempt" (id, "deliveryId", number, "startedAt", "durationMs", outcome)
    VALUES (${ATTEMPT_ID}, ${id}, ${attempts + 1}::int, coalesce(${startedAt}::timestamptz, now()),
      greatest(0, extract(epoch FROM now() - coalesce(${startedAt}::timestamptz, now())) * 1000)::int, 'delivered')
    ON CONFLICT ("deliveryId", number) DO NOTHING`;
  await tx.$executeRaw`
    UPDATE "WebhookDelivery" SET state = 'delivered', attempts = attempts + 1, "lockedUntil" = NULL,
      "nextAttemptAt" = NULL, "finishedAt" = now() WHERE id = ${id}`;
}

/** It had been taken back already: the attempt that seemed to be in vain was not. False: there was no attempt. */
async function noteLate(tx: Prisma.TransactionClient, id: string): Promise<boolean> {
  const corrected = await tx.$executeRaw`
    UPDATE "WebhookAttempt" t SET outcome = 'delivered', error = NULL,
      "durationMs" = greatest(0, extract(epoch FROM now() - t."startedAt") * 1000)::int
    FROM "WebhookDelivery" d WHERE d.id = ${id} AND t."deliveryId" = d.id AND t.number = d.attempts`;
  if (corrected === 0) return false;
  await tx.$executeRaw`
    UPDATE "WebhookDelivery" SET state = 'delivered', "lockedUntil" = NULL, "nextAttemptAt" = NULL, "finishedAt" = now()
    WHERE id = ${id}`;
  return true;
}

function toHanded(row: HandedRow): HandedDelivery {
  return {
    id: brandAs<DeliveryId>(row.id),
    token: row.wake,
    session: brandAs<SessionId>(row.heldBy),
    webhookId: brandAs<WebhookId>(Number(row.webhookId)),
    event: {
      id: brandAs<EventId>(row.eventId),
      type: row.type,
      domain: brandAs<DomainName>(row.domainName),
      roomName: row.roomName === null ? null : brandAs<RoomName>(row.roomName),
      roomSessionId: row.roomSessionId === null ? null : brandAs<RoomSessionId>(row.roomSessionId),
      seq: row.seq,
      occurredAt: row.occurredAt,
      payload: row.payload,
    },
  };
}
