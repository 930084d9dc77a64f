import { bookingHolds } from '../bookings/booking';
import type { Clock } from '../kernel/clock';
import type { RoomSessionId } from '../kernel/ids';
import type { UnitOfWork } from '../kernel/unit-of-work';
import type { LiveRooms } from './live-rooms';
import { after, closingTimes } from './opening';
import type { DoorPolicy, Room } from './room';
import { changeOpen } from './room-changing';
import type { FoundOpen } from './room.store';
import { eachRoom, type RoomClosing, type RoundReport } from './room-closing';

const PAGE = 100;
/** A booked room is looked at again this often at the latest, so that a booking taken back early is noticed. */
const BOOKED_RECHECK_SECONDS = 3_600;

/** Keeps the deadlines of open rooms: they stand in PostgreSQL, and any replica acts on them. */
export class RoomUpkeep {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly live: LiveRooms,
    private readonly clock: Clock,
    private readonly closing: RoomClosing,
  ) {}

  /** Notes that somebody is in, or that the room stands empty from now on. A room that is closed is left alone. */
  async occupancyChanged(id: RoomSessionId, occupied: boolean): Promise<void> {
    const now = this.clock.now();
    await this.uow.run(async (stores) => {
      const room = await stores.rooms.findById(id);
      const domain = room && (await stores.tenancy.domain(room.domain));
      if (!room || !domain || room.closedAt !== null) return;
      const { emptySeconds } = closingTimes(domain, room.openedBy);
      await stores.rooms.setOccupancy(id, occupied, occupied ? null : after(now, emptySeconds));
    });
  }

  /** Closes the rooms whose time is up, unless somebody is in after all or a booking keeps them. */
  async closeDue(now: Date): Promise<RoundReport> {
    const due = await this.uow.run((stores) => stores.rooms.due(now, PAGE));
    return eachRoom(due, async (room) => {
      if (await this.keptByBooking(room, now)) return false;
      if (await this.closing.close(room, false)) return true;
      await this.uow.run((stores) => stores.rooms.setOccupancy(room.id, true, null));
      return false;
    });
  }

  /**
   * Makes PostgreSQL's open rooms agree with live state again, e.g. after Redis was lost or a message went astray, and with
   * their domains' capacity.
   */
  async reconcile(): Promise<RoundReport> {
    let done = 0;
    const failures: Array<RoundReport['failures'][number]> = [];
    let page: readonly FoundOpen[] = [];
    do {
      page = await this.pageAfter(page);
      const report = await eachRoom(
        page.map(({ room, ...found }) => ({ ...room, found })),
        ({ found, ...room }) => this.reconcileRoom({ room, ...found }),
      );
      done += report.done;
      failures.push(...report.failures);
    } while (page.length === PAGE);
    return { done, failures };
  }

  private async pageAfter(page: readonly FoundOpen[]): Promise<readonly FoundOpen[]> {
    return this.uow.run((stores) => stores.rooms.openAfter(page.at(-1)?.room.id ?? null, PAGE));
  }

  private async reconcileRoom({ room, occupied: noted, domainCapacity }: FoundOpen): Promise<boolean> {
    const outdated = room.policy.capacity !== domainCapacity;
    const policy = outdated ? await this.followDomain(room) : room.policy;
    if (policy === null) return false;
    const occupied = (await this.live.members(room.id)).length > 0;
    // An empty room gets its rules from whoever enters it.
    if (occupied || outdated) await this.live.applyPolicy(room.id, policy);
    if (occupied === noted) return outdated;
    await this.occupancyChanged(room.id, occupied);
    return true;
  }

  /**
   * Gives a room its domain's capacity. It has another one when that was changed while the room was being opened, or when
   * nobody lived to tell the rooms.
   * @returns null when the room is closed by now
   */
  private async followDomain({ id, domain: name }: Room): Promise<DoorPolicy | null> {
    return this.uow.run(async (stores) => {
      // The room's row is locked before its domain is read: a change that comes later waits, and is not undone here.
      const open = await stores.rooms.change(id, {});
      const domain = open && (await stores.tenancy.domain(name));
      return domain && (await changeOpen(stores, id, { capacity: domain.capacity }, this.clock.now())).policy;
    });
  }

  private async keptByBooking(room: Room, now: Date): Promise<boolean> {
    if (room.openedBy !== 'api') return false;
    return this.uow.run(async (stores) => {
      const booking = await stores.bookings.find(room.domain, room.name);
      if (!bookingHolds(booking, now)) return false;
      const recheck = now.getTime() + BOOKED_RECHECK_SECONDS * 1_000;
      await stores.rooms.setOccupancy(room.id, false, new Date(Math.min(booking.validUntil.getTime(), recheck)));
      return true;
    });
  }
}
