import type { Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import type { IdSource } from '../kernel/id-source';
import type { DomainName, RegionId, RoomName } from '../kernel/ids';
import { sameSecret } from '../kernel/same-secret';
import type { UnitOfWork } from '../kernel/unit-of-work';
import { bookingHolds } from '../bookings/booking';
import type { Role } from '../sessions/core-event';
import type { TicketClaims } from '../sessions/ticket';
import { domainAtHome } from '../tenancy/own-domain';
import type { LiveRooms } from './live-rooms';
import { assertVisitorMayOpen, assertVisitorsMayEnter, roomBooked, roomClosing, roomNotFound } from './opening';
import type { DoorPolicy, Room } from './room';
import type { RoomService } from './room.service';

/** Who wants to come in, and what they show for it. */
export interface AdmitInput {
  readonly domain: DomainName;
  readonly name: RoomName;
  readonly password?: string;
  readonly hostKey?: string;
  /** At most 128 characters. */
  readonly displayName?: string;
  /** The region that is asked; the domain must be at home in it. */
  readonly region: RegionId;
}

export interface Admission {
  readonly claims: TicketClaims;
  readonly room: Room;
  /** The role they get if they come in now; without a host key the door decides it by order of arrival. */
  readonly role: Role;
}

const DISPLAY_NAME_MAX = 128;

/** Lets people into rooms: first here, for a ticket, then again at the door, where the ticket is used. */
export class EntryService {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly rooms: RoomService,
    private readonly live: LiveRooms,
    private readonly clock: Clock,
    private readonly ids: IdSource,
  ) {}

  /**
   * Checks who comes and says what their ticket says. Opens the room if it is not open and visitors may. The right host
   * key makes a host, whom neither lock nor password stops.
   * @throws DomainError domain_not_found, wrong_region, room_not_found, room_booked, room_reserved, room_closing,
   * entry_not_allowed, wrong_host_key, room_locked, wrong_password, room_full, invalid_input
   */
  async admit(input: AdmitInput): Promise<Admission> {
    checkDisplayName(input.displayName);
    const room = await this.enterable(input);
    const isHost = input.hostKey !== undefined;
    if (input.hostKey !== undefined) assertHostKey(room, input.hostKey);
    else assertGuest(room, input.password);
    const present = (await this.live.members(room.id)).filter((member) => member.kind !== 'internal').length;
    if (present >= room.policy.capacity) {
      throw new DomainError('room_full', 'The room is full.', { capacity: room.policy.capacity });
    }
    return {
      room,
      role: isHost || (present === 0 && !room.policy.hasHostKey) ? 'host' : 'guest',
      claims: {
        id: `tk_${this.ids.random(16)}`,
        region: input.region,
        room: room.id,
        domain: room.domain,
        roomName: room.name,
        role: isHost ? 'host' : 'by-arrival',
        passwordVersion: isHost ? 'exempt' : room.policy.passwordVersion,
        userId: '',
        ...(input.displayName === undefined ? {} : { displayName: input.displayName }),
      },
    };
  }

  /**
   * Whether the opening a ticket was made for is still open; answers the rules the door has to check now.
   * @throws DomainError room_closing, entry_not_allowed, room_booked (it ended and was booked since), room_not_found
   */
  async recheck(claims: TicketClaims): Promise<{ policy: DoorPolicy; room: Room }> {
    return this.uow.run(async (stores) => {
      const room = await stores.rooms.findById(claims.room);
      if (room && room.closedAt === null) {
        if (room.closing) throw roomClosing();
        await assertVisitorsMayEnter(stores, room);
        return { policy: room.policy, room };
      }
      if (bookingHolds(await stores.bookings.find(claims.domain, claims.roomName), this.clock.now()))
        throw roomBooked();
      throw roomNotFound();
    });
  }

  private async enterable(input: AdmitInput): Promise<Room> {
    if (input.hostKey === undefined) return this.rooms.openByVisitor(input.domain, input.name, input.region);
    // Who shows a host key means a room that has one: opening another in its place would help nobody.
    return this.uow.run(async (stores) => {
      const domain = await domainAtHome(stores, input.domain, input.region);
      const room = await stores.rooms.findOpen(input.domain, input.name);
      if (room?.closing === true) throw roomClosing();
      if (room) {
        await assertVisitorsMayEnter(stores, room);
        return room;
      }
      await assertVisitorMayOpen(stores, domain, input.name, this.clock.now());
      throw roomNotFound();
    });
  }
}

function assertHostKey(room: Room, hostKey: string): void {
  if (room.hostKey === null || !sameSecret(hostKey, room.hostKey)) {
    throw new DomainError('wrong_host_key', 'The host key is not the one of this room.');
  }
}

function assertGuest(room: Room, password: string | undefined): void {
  if (room.policy.locked) throw new DomainError('room_locked', 'The room is locked.');
  if (room.password === null) return;
  if (password === undefined || !sameSecret(password, room.password)) {
    throw new DomainError('wrong_password', 'The password is missing or wrong.');
  }
}

function checkDisplayName(name: string | undefined): void {
  if (name !== undefined && [...name].length > DISPLAY_NAME_MAX) {
    throw new DomainError('invalid_input', `A display name has at most ${DISPLAY_NAME_MAX} characters.`);
  }
}
