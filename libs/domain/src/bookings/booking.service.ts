import type { Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { brandAs, type AccountId, type BookingId, type DomainName, type RoomName } from '../kernel/ids';
import type { IdSource } from '../kernel/id-source';
import type { Stores, UnitOfWork } from '../kernel/unit-of-work';
import { ownDomain } from '../tenancy/own-domain';
import { bookingHolds, type Booking } from './booking';

/** Bookings that one transaction ends. */
const PAGE = 100;

/** Later dates are a mistake in the unit, and PostgreSQL and ISO 8601 write them differently. */
const LATEST = new Date('9999-12-31T23:59:59.999Z');

/**
 * Bookings (xroom collection `booking`): one per room; an expired one counts as none. A tenant reaches only its own
 * domains: every method throws DomainError domain_not_found for others.
 */
export class BookingService {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly clock: Clock,
    private readonly ids: IdSource,
  ) {}

  /** @throws DomainError booking_exists while one is valid, invalid_input when the date is none or has passed */
  async add(account: AccountId, input: { domain: DomainName; roomName: RoomName; validUntil: Date }): Promise<Booking> {
    const now = this.clock.now();
    checkValidUntil(input.validUntil, now);
    return this.uow.run(async (stores) => {
      const { region } = await ownDomain(stores, account, input.domain);
      const id = brandAs<BookingId>(`bk_${region}_${this.ids.random(16)}`);
      const booking: Booking = { id, domain: input.domain, roomName: input.roomName, validUntil: input.validUntil };
      const expired = await stores.bookings.takeExpiredOf(booking.domain, booking.roomName, now);
      if (expired) await tell(stores, 'booking.expired', expired, expired.validUntil);
      if (!(await stores.bookings.insert(booking))) {
        throw new DomainError('booking_exists', 'The room is booked already.');
      }
      await tell(stores, 'booking.added', booking, now);
      return booking;
    });
  }

  /** @throws DomainError booking_not_found */
  async remove(account: AccountId, domain: DomainName, roomName: RoomName): Promise<void> {
    const now = this.clock.now();
    await this.uow.run(async (stores) => {
      await ownDomain(stores, account, domain);
      const removed = await stores.bookings.remove(domain, roomName, now);
      if (!removed) throw notFound();
      await tell(stores, 'booking.removed', removed, now);
    });
  }

  /** @throws DomainError booking_not_found, invalid_input when the date is none or has passed */
  async update(account: AccountId, input: { domain: DomainName; roomName: RoomName; validUntil: Date }): Promise<void> {
    const now = this.clock.now();
    checkValidUntil(input.validUntil, now);
    await this.uow.run(async (stores) => {
      await ownDomain(stores, account, input.domain);
      const updated = await stores.bookings.update(input.domain, input.roomName, input.validUntil, now);
      if (!updated) throw notFound();
      await tell(stores, 'booking.updated', updated, now);
    });
  }

  /**
   * Takes away the bookings whose time is up and tells of each once, whichever replicas ask at the same time. Any replica,
   * every second.
   * @returns how many
   */
  async expire(now: Date): Promise<number> {
    let expired = 0;
    for (;;) {
      const page = await this.uow.run(async (stores) => {
        const taken = await stores.bookings.takeExpired(now, PAGE);
        for (const booking of taken) await tell(stores, 'booking.expired', booking, booking.validUntil);
        return taken.length;
      });
      expired += page;
      if (page < PAGE) return expired;
    }
  }

  /** The domain's valid bookings, by room name. */
  async list(account: AccountId, domain: DomainName): Promise<readonly Booking[]> {
    const now = this.clock.now();
    return this.uow.run(async (stores) => {
      await ownDomain(stores, account, domain);
      return (await stores.bookings.list(domain)).filter((booking) => bookingHolds(booking, now));
    });
  }

  /** The valid booking of that room, or null. */
  async get(account: AccountId, domain: DomainName, roomName: RoomName): Promise<Booking | null> {
    return this.uow.run(async (stores) => {
      await ownDomain(stores, account, domain);
      const booking = await stores.bookings.find(domain, roomName);
      return bookingHolds(booking, this.clock.now()) ? booking : null;
    });
  }
}

async function tell(
  stores: Stores,
  type: 'booking.added' | 'booking.updated' | 'booking.removed' | 'booking.expired',
  { id, domain, roomName, validUntil }: Booking,
  occurredAt: Date,
): Promise<void> {
  const payload = { id, validUntil: validUntil.toISOString() };
  await stores.outbox.append({ type, domain, roomName, roomSessionId: null, payload, occurredAt });
}

function checkValidUntil(validUntil: Date, now: Date): void {
  if (Number.isNaN(validUntil.getTime())) throw new DomainError('invalid_input', 'validUntil is not a date.');
  if (validUntil <= now) throw new DomainError('invalid_input', 'validUntil has already passed.');
  if (validUntil > LATEST) throw new DomainError('invalid_input', 'validUntil is after the year 9999.');
}

function notFound(): DomainError {
  return new DomainError('booking_not_found', 'The room is not booked.');
}
