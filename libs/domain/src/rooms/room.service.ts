import type { Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import type { IdSource } from '../kernel/id-source';
import type { AccountId, DomainName, RegionId, RoomName, RoomSessionId, SessionId } from '../kernel/ids';
import { sameSecret } from '../kernel/same-secret';
import type { Stores, UnitOfWork } from '../kernel/unit-of-work';
import type { Member } from '../sessions/core-event';
import { domainAtHome, knownDomain, ownDomain } from '../tenancy/own-domain';
import type { Domain } from '../tenancy/tenancy';
import { isBackendRoomName, type BackendNaming } from './backend-rooms';
import type { LiveRooms } from './live-rooms';
import { parsePassword } from './names';
import {
  assertVisitorMayOpen,
  assertVisitorsMayEnter,
  newHostKey,
  newRoom,
  roomClosing,
  roomNotFound,
  storeOpening,
  type Opening,
} from './opening';
import type { Room, RoomType } from './room';
import { changeOpen } from './room-changing';
import { RoomClosing, type RoundReport } from './room-closing';
import { RoomUpkeep } from './room-upkeep';
import type { OpenRoom, RoomChanges } from './room.store';

/** What `init` is asked for. Options that are absent are not compared with those of a room that exists. */
export interface InitInput {
  readonly domain: DomainName;
  readonly name: RoomName;
  /** `conference` when absent and the room is new. */
  readonly type?: RoomType;
  readonly locked?: boolean;
  /** 1 to 128 characters. */
  readonly password?: string;
  /** Asks for a host key; the room's one if it has one. */
  readonly addHostKey?: boolean;
}

/** An open room and who is in it on all replicas, in order of arrival. */
export interface RoomWithMembers {
  readonly room: Room;
  readonly members: readonly Member[];
}

/** Names somebody tries before giving up on a name that opens and closes again and again. */
const OPEN_TRIES = 3;

/** Rooms of a backend or domain that are closed or changed side by side. */
const ROOMS_AT_ONCE = 16;

/**
 * The rules of rooms. Methods that take an account reach only its own domains; for others, and for domains that do not
 * exist, they throw DomainError domain_not_found.
 */
export class RoomService {
  private readonly closing: RoomClosing;
  private readonly upkeep: RoomUpkeep;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly live: LiveRooms,
    private readonly clock: Clock,
    private readonly ids: IdSource,
  ) {
    this.closing = new RoomClosing(uow, live, clock);
    this.upkeep = new RoomUpkeep(uow, live, clock, this.closing);
  }

  /**
   * Opens a room, or answers the one that is open when it agrees with the options given (xroom `init`; a booking does not
   * hinder it). Of two calls at once one opens the room and the other compares. A host key asked for on an open room is
   * the one it has, or is made.
   * @returns the room, with `password` and `hostKey` in the clear
   * @throws DomainError room_exists_differently, room_closing, invalid_input (the password)
   */
  async init(account: AccountId, input: InitInput): Promise<Room> {
    checkPassword(input.password);
    const { room, changed } = await this.uow.run(async (stores) => {
      const domain = await ownDomain(stores, account, input.domain);
      const hostKey = input.addHostKey === true ? newHostKey(this.ids) : undefined;
      const { room, opened } = await this.openOrFind(stores, { ...input, domain, openedBy: 'api', hostKey });
      if (opened) return { room, changed: false };
      assertAgrees(room, input);
      if (hostKey === undefined || room.hostKey !== null) return { room, changed: false };
      return { room: await changeOpen(stores, room.id, { hostKey }, this.clock.now()), changed: true };
    });
    if (changed) await this.live.applyPolicy(room.id, room.policy);
    return room;
  }

  /**
   * The open room of that name; if there is none it is opened, as far as visitors may.
   * @param region the region that is asked, when it is to be the domain's home
   * @throws DomainError domain_not_found, wrong_region, room_booked, room_not_found, entry_not_allowed, room_reserved,
   * room_closing
   */
  async openByVisitor(domainName: DomainName, name: RoomName, region?: RegionId): Promise<Room> {
    return this.uow.run(async (stores) => {
      const domain =
        region === undefined ? await knownDomain(stores, domainName) : await domainAtHome(stores, domainName, region);
      const existing = await findEnterable(stores, domainName, name);
      if (existing) {
        await assertVisitorsMayEnter(stores, existing);
        return existing;
      }
      await assertVisitorMayOpen(stores, domain, name, this.clock.now());
      return (await this.openOrFind(stores, { domain, name, openedBy: 'visitor' })).room;
    });
  }

  /**
   * The open room of that name, opened if need be, for a backend that decides by itself who comes in (a Nextcloud). Its
   * rooms know neither bookings nor reservations.
   * @throws DomainError domain_not_found, wrong_region, room_closing
   */
  async openForBackend(domainName: DomainName, name: RoomName): Promise<Room> {
    return this.uow.run(async (stores) => {
      const domain = await domainAtHome(stores, domainName, stores.tenancy.region);
      return (await this.openOrFind(stores, { domain, name, openedBy: 'backend' })).room;
    });
  }

  /**
   * Closes a room and tells everybody.
   * @returns false, with nothing changed, while somebody is in and `forceKick` is false
   * @throws DomainError room_not_found
   */
  async destroy(account: AccountId, domain: DomainName, name: RoomName, forceKick: boolean): Promise<boolean> {
    return this.closing.close(await this.ownOpen(account, domain, name), forceKick);
  }

  /**
   * Closes a room that its foreign backend has deleted, or that leaves with its domain, whoever is in. Nothing to do when
   * it is closed already.
   */
  async closeForBackend(id: RoomSessionId): Promise<void> {
    const room = await this.uow.run((stores) => stores.rooms.findById(id));
    if (room !== null) await this.closing.close(room, true);
  }

  /** Closes all rooms that a foreign backend has open: it is shut out. Goes on after one that could not be closed. */
  async closeAllOfBackend(domain: DomainName, backend: BackendNaming): Promise<PromiseSettledResult<void>[]> {
    const open = await this.uow.run((stores) => stores.rooms.listOpen(domain));
    const its = open.filter(({ openedBy, name }) => openedBy === 'backend' && isBackendRoomName(backend, name));
    return settledInTurns(its, ({ id }) => this.closeForBackend(id));
  }

  /**
   * Throws one or everybody out.
   * @throws DomainError room_not_found, peer_not_found (never for 'all')
   */
  async kickOut(account: AccountId, domain: DomainName, name: RoomName, peer: SessionId | 'all'): Promise<void> {
    const room = await this.ownOpen(account, domain, name);
    if (peer === 'all') {
      await this.live.kickAll(room.id);
    } else if (!(await this.live.kick(room.id, peer))) {
      throw new DomainError('peer_not_found', 'There is no such peer in the room.');
    }
  }

  /** Lets so many into the domain's open rooms from now on; who is in stays in. Goes on after one that could not be changed. */
  async setCapacity(domain: DomainName, capacity: number): Promise<PromiseSettledResult<void>[]> {
    const open = await this.uow.run((stores) => stores.rooms.listOpen(domain));
    const its = open.filter(({ policy }) => policy.capacity !== capacity);
    return settledInTurns(its, async ({ id }) => {
      const { policy } = await this.uow.run((stores) => changeOpen(stores, id, { capacity }, this.clock.now()));
      await this.live.applyPolicy(id, policy);
    });
  }

  /** @throws DomainError room_not_found */
  async setLock(account: AccountId, domain: DomainName, name: RoomName, locked: boolean): Promise<Room> {
    return this.changeOwn(account, domain, name, { locked });
  }

  /**
   * Sets a password, or takes it away with null. Tickets made under the former one are void; who is in stays in.
   * @throws DomainError room_not_found, invalid_input
   */
  async setPassword(account: AccountId, domain: DomainName, name: RoomName, password: string | null): Promise<Room> {
    checkPassword(password);
    return this.changeOwn(account, domain, name, { password });
  }

  /** The open rooms of one domain, or of all the account's domains of this region, including those that have none. */
  async list(
    account: AccountId,
    domainName?: DomainName,
  ): Promise<Array<{ domain: DomainName; rooms: RoomWithMembers[] }>> {
    const found = await this.uow.run(async (stores) => {
      const domains =
        domainName === undefined
          ? await stores.tenancy.domainsOf(account)
          : [await ownDomain(stores, account, domainName)];
      const listed: Array<{ domain: Domain; rooms: readonly Room[] }> = [];
      for (const domain of domains) listed.push({ domain, rooms: await stores.rooms.listOpen(domain.name) });
      return listed;
    });
    return Promise.all(
      found.map(async ({ domain, rooms }) => ({
        domain: domain.name,
        rooms: await Promise.all(rooms.map(async (room) => ({ room, members: await this.live.members(room.id) }))),
      })),
    );
  }

  /** Finishes or undoes closings that stand half done for longer than 10 s. Every replica may call it, every few seconds. */
  async sweepStuckClosings(now: Date): Promise<RoundReport> {
    return this.closing.sweep(now);
  }

  /** Closes the rooms whose `closeAfter` has passed and that are empty and not kept by a booking. Any replica, every second. */
  async closeDue(now: Date): Promise<RoundReport> {
    return this.upkeep.closeDue(now);
  }

  /** To be called when a room got its first member or lost its last one (LiveEvents.onOccupancy): sets `closeAfter`. */
  async occupancyChanged(room: RoomSessionId, occupied: boolean): Promise<void> {
    return this.upkeep.occupancyChanged(room, occupied);
  }

  /**
   * Compares all open rooms with live state and their domains' capacity, and corrects what differs. One replica at a time,
   * every 30 s.
   */
  async reconcile(): Promise<RoundReport> {
    return this.upkeep.reconcile();
  }

  private async openOrFind(stores: Stores, opening: Opening): Promise<{ room: Room; opened: boolean }> {
    for (let attempt = 0; attempt < OPEN_TRIES; attempt += 1) {
      const existing = await findEnterable(stores, opening.domain.name, opening.name);
      if (existing) return { room: existing, opened: false };
      const room = newRoom(opening, this.clock.now(), this.ids);
      if (await storeOpening(stores, room)) return { room, opened: true };
    }
    throw roomClosing();
  }

  private async ownOpen(account: AccountId, domain: DomainName, name: RoomName): Promise<OpenRoom> {
    return this.uow.run((stores) => findOwn(stores, account, domain, name));
  }

  private async changeOwn(account: AccountId, domain: DomainName, name: RoomName, changes: RoomChanges): Promise<Room> {
    const room = await this.uow.run(async (stores) =>
      changeOpen(stores, (await findOwn(stores, account, domain, name)).id, changes, this.clock.now()),
    );
    await this.live.applyPolicy(room.id, room.policy);
    return room;
  }
}

async function findOwn(stores: Stores, account: AccountId, domain: DomainName, name: RoomName): Promise<OpenRoom> {
  await ownDomain(stores, account, domain);
  const room = await stores.rooms.findOpen(domain, name);
  if (!room) throw roomNotFound();
  return room;
}

async function findEnterable(stores: Stores, domain: DomainName, name: RoomName): Promise<OpenRoom | null> {
  const room = await stores.rooms.findOpen(domain, name);
  if (room?.closing === true) throw roomClosing();
  return room;
}

/** What became of each, whatever became of the others. */
async function settledInTurns(
  rooms: readonly Room[],
  work: (room: Room) => Promise<void>,
): Promise<PromiseSettledResult<void>[]> {
  const outcomes: PromiseSettledResult<void>[] = [];
  for (let at = 0; at < rooms.length; at += ROOMS_AT_ONCE) {
    outcomes.push(...(await Promise.allSettled(rooms.slice(at, at + ROOMS_AT_ONCE).map(work))));
  }
  return outcomes;
}

function assertAgrees(room: Room, input: InitInput): void {
  const differs =
    (input.type !== undefined && input.type !== room.policy.type) ||
    (input.locked !== undefined && input.locked !== room.policy.locked) ||
    (input.password !== undefined && (room.password === null || !sameSecret(input.password, room.password)));
  if (differs) throw new DomainError('room_exists_differently', 'The room is open with other options.');
}

function checkPassword(password: string | null | undefined): void {
  if (password === undefined || password === null) return;
  const parsed = parsePassword(password);
  if (!parsed.ok) throw new DomainError('invalid_input', parsed.error);
}
