import type {
  ChangedRoom,
  DomainName,
  FoundOpen,
  OpenRoom,
  Room,
  RoomChanges,
  RoomName,
  RoomSessionId,
  RoomStore,
} from '@parley/domain';
import { beginPeers } from '../peers/peer.store';
import type { Connection } from '../prisma-client';
import type { Sealer } from '../sealing';
import { roomSecretPlace, toRoom, toRow, type StoredRoom } from './room-row';

/** Rooms in PostgreSQL; see {@link RoomStore} for what each method promises. */
export class PrismaRoomStore implements RoomStore {
  constructor(
    private readonly db: Connection,
    private readonly sealer: Sealer,
  ) {}

  async findOpen(domain: DomainName, name: RoomName): Promise<OpenRoom | null> {
    const row = await this.db.room.findFirst({ where: { domainName: domain, name, closedAt: null } });
    return row && toRoom(row, this.sealer);
  }

  async findById(id: RoomSessionId): Promise<StoredRoom | null> {
    const row = await this.db.room.findUnique({ where: { id } });
    return row && toRoom(row, this.sealer);
  }

  async listOpen(domain: DomainName): Promise<readonly Room[]> {
    const rows = await this.db.room.findMany({
      where: { domainName: domain, closedAt: null },
      orderBy: [{ openedAt: 'asc' }, { id: 'asc' }],
    });
    return rows.map((row) => toRoom(row, this.sealer));
  }

  async insert(room: Room): Promise<boolean> {
    // ON CONFLICT DO NOTHING: waits for an opening of that name that is not committed yet, and spoils no transaction.
    const { count } = await this.db.room.createMany({ data: [toRow(room, this.sealer)], skipDuplicates: true });
    if (count === 1) await beginPeers(this.db, room.id);
    return count === 1;
  }

  async change(id: RoomSessionId, changes: RoomChanges): Promise<ChangedRoom | null> {
    const { password, hostKey, ...rest } = changes;
    // Nobody else changes it until the commit, so that the difference is all ours.
    await this.db.$queryRaw`SELECT 1 FROM "Room" WHERE id = ${id} FOR NO KEY UPDATE`;
    const before = await this.findStillOpen(id);
    if (before === null) return null;
    if (password !== undefined || Object.values(rest).some((value) => value !== undefined)) {
      await this.db.room.update({
        where: { id },
        data: {
          policyVersion: { increment: 1 },
          ...rest,
          ...(password === undefined
            ? {}
            : { passwordSealed: this.seal(id, 'password', password), passwordVersion: { increment: 1 } }),
        },
      });
    }
    if (hostKey !== undefined && before.hostKey === null) {
      await this.db.room.update({
        where: { id },
        data: { policyVersion: { increment: 1 }, hostKeySealed: this.seal(id, 'hostKey', hostKey) },
      });
    }
    const after = await this.findStillOpen(id);
    return after && { before, after };
  }

  async markClosing(id: RoomSessionId, at: Date): Promise<boolean> {
    const { count } = await this.db.room.updateMany({ where: { id, closedAt: null }, data: { closingSince: at } });
    return count === 1;
  }

  async clearClosing(id: RoomSessionId): Promise<void> {
    await this.db.room.updateMany({ where: { id, closedAt: null }, data: { closingSince: null } });
  }

  async closingDone(id: RoomSessionId): Promise<void> {
    await this.db.room.updateMany({ where: { id, closedAt: { not: null } }, data: { closingSince: null } });
  }

  async close(id: RoomSessionId, at: Date): Promise<boolean> {
    const { count } = await this.db.room.updateMany({
      where: { id, closedAt: null },
      // No deadline any more, so that the index of deadlines holds open rooms only.
      data: { closedAt: at, closeAfter: null, occupied: false },
    });
    return count === 1;
  }

  async wasProtectedSince(domain: DomainName, name: RoomName, since: Date): Promise<boolean> {
    const last = await this.db.room.findFirst({
      where: { domainName: domain, name, closedAt: { gt: since } },
      orderBy: { closedAt: 'desc' },
      select: { passwordSealed: true, hostKeySealed: true },
    });
    return last !== null && (last.passwordSealed !== null || last.hostKeySealed !== null);
  }

  async setOccupancy(id: RoomSessionId, occupied: boolean, closeAfter: Date | null): Promise<void> {
    await this.db.room.updateMany({ where: { id, closedAt: null }, data: { occupied, closeAfter } });
  }

  async due(now: Date, limit: number): Promise<readonly Room[]> {
    const rows = await this.db.room.findMany({
      where: { closedAt: null, closingSince: null, closeAfter: { lte: now } },
      orderBy: { closeAfter: 'asc' },
      take: limit,
    });
    return rows.map((row) => toRoom(row, this.sealer));
  }

  async stuckClosing(before: Date, limit: number): Promise<readonly StoredRoom[]> {
    const rows = await this.db.room.findMany({
      where: { closingSince: { lt: before } },
      orderBy: { closingSince: 'asc' },
      take: limit,
    });
    return rows.map((row) => toRoom(row, this.sealer));
  }

  async openAfter(after: RoomSessionId | null, limit: number): Promise<readonly FoundOpen[]> {
    const rows = await this.db.room.findMany({
      where: { closedAt: null, ...(after === null ? {} : { id: { gt: after } }) },
      orderBy: { id: 'asc' },
      take: limit,
      include: { domain: { select: { capacity: true } } },
    });
    return rows.map((row) => ({
      room: toRoom(row, this.sealer),
      occupied: row.occupied,
      domainCapacity: row.domain.capacity,
    }));
  }

  private async findStillOpen(id: RoomSessionId): Promise<StoredRoom | null> {
    const row = await this.db.room.findFirst({ where: { id, closedAt: null } });
    return row && toRoom(row, this.sealer);
  }

  private seal(id: RoomSessionId, column: 'password' | 'hostKey', secret: string | null): string | null {
    return secret === null ? null : this.sealer.seal(roomSecretPlace(id, column), secret);
  }
}
