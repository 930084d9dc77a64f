import {
  brandAs,
  type DomainName,
  type PeerAccount,
  type PeerCursor,
  type PeerFacts,
  type PeerStanding,
  type PeerStore,
  type PresenceId,
  type RoomName,
  type RoomSessionId,
  type SessionId,
  type ToldPeer,
} from '@parley/domain';
import { IS_KEPT_FOR } from '../delivery/webhook-conditions';
import { Prisma } from '../generated/client';
import type { Connection } from '../prisma-client';

/** Somebody is told of the comings and goings in this room `r`, or its domain wants them to be read. */
const IS_HEARD = Prisma.sql`(EXISTS (SELECT 1 FROM "Webhook" w
  WHERE w."domainName" = r."domainName" AND (w."roomName" IS NULL OR w."roomName" = r.name) AND ${IS_KEPT_FOR}
    AND w.events && ARRAY['peer.joined', 'peer.left', 'host.joined'])
  OR EXISTS (SELECT 1 FROM "Domain" o WHERE o.name = r."domainName" AND o."peerEvents"))`;

interface AccountRow {
  readonly domainName: string;
  readonly name: string;
  readonly peerGeneration: string | null;
  readonly peerCursor: bigint;
}

/**
 * Who was told to be where, in PostgreSQL. A room's `peerGeneration` is null while nobody is told of it, and empty before
 * its first news. Only for use inside a unit of work.
 */
export class PrismaPeerStore implements PeerStore {
  constructor(private readonly db: Connection) {}

  async heard(rooms: readonly RoomSessionId[]): Promise<readonly RoomSessionId[]> {
    if (rooms.length === 0) return [];
    const rows = await this.db.$queryRaw<{ id: string }[]>`
      SELECT r.id FROM "Room" r WHERE r.id = ANY(${[...rooms]}::text[]) AND r."closedAt" IS NULL AND ${IS_HEARD}`;
    return rows.map(({ id }) => brandAs<RoomSessionId>(id));
  }

  async open(room: RoomSessionId, ending?: 'ending'): Promise<PeerAccount | null> {
    const [row] = await this.db.$queryRaw<AccountRow[]>`
      SELECT r."domainName", r.name, r."peerGeneration", r."peerCursor" FROM "Room" r
      WHERE r.id = ${room} AND (${ending === 'ending'} OR r."closedAt" IS NULL) AND ${IS_HEARD} FOR UPDATE`;
    if (row === undefined) return null;
    const { domainName, name } = row;
    return {
      room,
      domain: brandAs<DomainName>(domainName),
      roomName: brandAs<RoomName>(name),
      since: sinceOf(row),
    };
  }

  async told(room: RoomSessionId, only?: readonly SessionId[]): Promise<readonly ToldPeer[]> {
    const rows = await this.db.roomPeer.findMany({
      where: { roomSessionId: room, ...(only === undefined ? {} : { sessionId: { in: [...only] } }) },
      orderBy: { joinedAt: 'asc' },
    });
    return rows.map(({ sessionId, joinedAt, payload }) => ({
      sessionId: brandAs<SessionId>(sessionId),
      order: joinedAt.getTime(),
      facts: payload as PeerFacts, // written by save() below
    }));
  }

  async everTold(room: RoomSessionId, presences: readonly PresenceId[]): Promise<readonly PresenceId[]> {
    const rows = await this.db.outboxEvent.findMany({
      where: {
        roomSessionId: room,
        type: 'peer.joined',
        occurredAt: { in: presences.map(({ order }) => new Date(order)) },
      },
      select: { payload: true, occurredAt: true },
    });
    return rows.map(({ payload, occurredAt }) => {
      const { id } = payload as PeerFacts; // what every event of this type carries
      return { sessionId: brandAs<SessionId>(id), order: occurredAt.getTime() };
    });
  }

  async save(room: RoomSessionId, { came, gone, cursor }: Parameters<PeerStore['save']>[1]): Promise<void> {
    if (gone.length > 0) {
      await this.db.roomPeer.deleteMany({ where: { roomSessionId: room, sessionId: { in: [...gone] } } });
    }
    if (came.length > 0) {
      await this.db.roomPeer.createMany({
        data: came.map(({ sessionId, order, facts }) => ({
          roomSessionId: room,
          sessionId,
          payload: facts,
          joinedAt: new Date(order),
        })),
      });
    }
    if (cursor === undefined) return;
    await this.db.room.update({ where: { id: room }, data: columnsOf(cursor), select: { id: true } });
  }

  async standings(after: RoomSessionId | null, limit: number): Promise<readonly PeerStanding[]> {
    const rows = await this.db.$queryRaw<(AccountRow & { id: string; occupied: boolean })[]>`
      SELECT r.id, r."domainName", r.name, r."peerGeneration", r."peerCursor",
        EXISTS (SELECT 1 FROM "RoomPeer" p WHERE p."roomSessionId" = r.id) AS occupied
      FROM "Room" r WHERE r."closedAt" IS NULL AND r.id > ${after ?? ''} AND ${IS_HEARD} ORDER BY r.id LIMIT ${limit}`;
    return rows.map((row) => ({ room: brandAs<RoomSessionId>(row.id), since: sinceOf(row), occupied: row.occupied }));
  }

  async forgetUnheard(): Promise<void> {
    const found = await this.db.$queryRaw<{ id: string }[]>`
      SELECT r.id FROM "Room" r WHERE r."closedAt" IS NULL AND r."peerGeneration" IS NOT NULL AND NOT ${IS_HEARD}`;
    if (found.length === 0) return;
    const ids = found.map(({ id }) => id);
    // Somebody who listens may have been added, and told, before the rows could be locked: the next statement sees it.
    await this.db.$queryRaw`SELECT r.id FROM "Room" r WHERE r.id = ANY(${ids}::text[]) ORDER BY r.id FOR UPDATE`;
    const forgotten = await this.db.$queryRaw<{ id: string }[]>`
      UPDATE "Room" r SET "peerGeneration" = NULL, "peerCursor" = 0
      WHERE r.id = ANY(${ids}::text[]) AND r."closedAt" IS NULL AND NOT ${IS_HEARD} RETURNING r.id`;
    await this.db.roomPeer.deleteMany({ where: { roomSessionId: { in: forgotten.map(({ id }) => id) } } });
  }
}

/** A new opening is told of from its first coming on, if somebody listens. In the transaction that inserts it. */
export async function beginPeers(db: Connection, room: RoomSessionId): Promise<void> {
  await db.$executeRaw`UPDATE "Room" r SET "peerGeneration" = '' WHERE r.id = ${room} AND ${IS_HEARD}`;
}

function sinceOf({ peerGeneration, peerCursor }: AccountRow): PeerAccount['since'] {
  if (peerGeneration === null) return 'now';
  return peerGeneration === '' ? 'first' : { generation: peerGeneration, n: Number(peerCursor) };
}

function columnsOf(cursor: PeerCursor | 'first'): { peerGeneration: string; peerCursor: number } {
  if (cursor === 'first') return { peerGeneration: '', peerCursor: 0 };
  return { peerGeneration: cursor.generation, peerCursor: cursor.n };
}
