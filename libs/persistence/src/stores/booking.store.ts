import {
  brandAs,
  type Booking,
  type BookingId,
  type BookingStore,
  type DomainName,
  type RoomName,
} from '@parley/domain';
import type { BookingModel } from '../generated/models';
import type { Connection } from '../prisma-client';

/** Bookings in PostgreSQL, one row per room name. */
export class PrismaBookingStore implements BookingStore {
  constructor(private readonly db: Connection) {}

  async find(domain: DomainName, roomName: RoomName): Promise<Booking | null> {
    const row = await this.db.booking.findUnique({ where: { domainName_roomName: { domainName: domain, roomName } } });
    return row && toBooking(row);
  }

  async list(domain: DomainName): Promise<readonly Booking[]> {
    const rows = await this.db.booking.findMany({ where: { domainName: domain }, orderBy: { roomName: 'asc' } });
    return rows.map(toBooking);
  }

  async insert(booking: Booking): Promise<boolean> {
    // ON CONFLICT DO NOTHING: of two who book at once one waits for the other, and its transaction goes on.
    const { id, domain, roomName, validUntil } = booking;
    const { count } = await this.db.booking.createMany({
      data: [{ id, domainName: domain, roomName, validUntil }],
      skipDuplicates: true,
    });
    return count === 1;
  }

  async update(domain: DomainName, roomName: RoomName, validUntil: Date, now: Date): Promise<Booking | null> {
    const [row] = await this.db.booking.updateManyAndReturn({
      where: { domainName: domain, roomName, validUntil: { gt: now } },
      data: { validUntil },
    });
    return row === undefined ? null : toBooking(row);
  }

  async remove(domain: DomainName, roomName: RoomName, now: Date): Promise<Booking | null> {
    const [row] = await this.db.$queryRaw<BookingModel[]>`
      DELETE FROM "Booking"
      WHERE "domainName" = ${domain} AND "roomName" = ${roomName} AND "validUntil" > ${now}::timestamptz
      RETURNING *`;
    return row === undefined ? null : toBooking(row);
  }

  async takeExpiredOf(domain: DomainName, roomName: RoomName, now: Date): Promise<Booking | null> {
    const [row] = await this.db.$queryRaw<BookingModel[]>`
      DELETE FROM "Booking"
      WHERE "domainName" = ${domain} AND "roomName" = ${roomName} AND "validUntil" <= ${now}::timestamptz
      RETURNING *`;
    return row === undefined ? null : toBooking(row);
  }

  async takeExpired(now: Date, limit: number): Promise<readonly Booking[]> {
    // Those that somebody else is at are theirs to tell of; nobody waits for anybody.
    const rows = await this.db.$queryRaw<BookingModel[]>`
      DELETE FROM "Booking" WHERE id IN (
        SELECT id FROM "Booking" b WHERE "validUntil" <= ${now}::timestamptz
          -- What moves to another region is told there.
          AND NOT EXISTS (SELECT 1 FROM "Domain" d WHERE d.name = b."domainName" AND d."movingTo" IS NOT NULL)
        ORDER BY "validUntil" LIMIT ${limit} FOR UPDATE SKIP LOCKED)
      RETURNING *`;
    return rows.map(toBooking).sort((a, b) => a.validUntil.getTime() - b.validUntil.getTime());
  }
}

function toBooking(row: BookingModel): Booking {
  return {
    id: brandAs<BookingId>(row.id),
    domain: brandAs<DomainName>(row.domainName),
    roomName: brandAs<RoomName>(row.roomName),
    validUntil: row.validUntil,
  };
}
