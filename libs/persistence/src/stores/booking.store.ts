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

  async insert(booking: Booking, now: Date): Promise<boolean> {
    // In one statement, as two who book at once must not both read "free". Prisma's upsert has no such condition.
    const written = await this.db.$executeRaw`
      INSERT INTO "Booking" ("id", "domainName", "roomName", "validUntil", "createdAt")
      VALUES (${booking.id}, ${booking.domain}, ${booking.roomName}, ${booking.validUntil}::timestamptz, ${now}::timestamptz)
      ON CONFLICT ("domainName", "roomName") DO UPDATE
      SET "id" = EXCLUDED."id", "validUntil" = EXCLUDED."validUntil", "createdAt" = EXCLUDED."createdAt"
      WHERE "Booking"."validUntil" <= ${now}::timestamptz`;
    return written === 1;
  }

  async update(domain: DomainName, roomName: RoomName, validUntil: Date, now: Date): Promise<boolean> {
    const { count } = await this.db.booking.updateMany({
      where: { domainName: domain, roomName, validUntil: { gt: now } },
      data: { validUntil },
    });
    return count === 1;
  }

  async remove(domain: DomainName, roomName: RoomName): Promise<boolean> {
    const { count } = await this.db.booking.deleteMany({ where: { domainName: domain, roomName } });
    return count === 1;
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
