import type { DomainName, RoomName, RoomSessionId } from '../kernel/ids';
import type { Room, RoomType } from './room';

/** Fields of a room that can change while it is open. Each change raises the policy version. */
export interface RoomChanges {
  readonly type?: RoomType;
  /** How many may be in at once; who is in stays in. */
  readonly capacity?: number;
  readonly locked?: boolean;
  /** null takes the password away. Raises the password version. */
  readonly password?: string | null;
  /** Set only when the room has none yet, so that two who ask at once get the same key. */
  readonly hostKey?: string;
}

/** A room before and after a change, with no other change in between. */
export interface ChangedRoom {
  readonly before: Room;
  readonly after: Room;
}

/** A room that is open, perhaps about to end. */
export interface OpenRoom extends Room {
  /** It is being closed; nobody is let in any more. */
  readonly closing: boolean;
}

/** An open room as {@link RoomStore.openAfter} finds it. */
export interface FoundOpen {
  readonly room: OpenRoom;
  /** What {@link RoomStore.setOccupancy} noted last. */
  readonly occupied: boolean;
  /** How many its domain lets into a room by now. */
  readonly domainCapacity: number;
}

/** Rooms in PostgreSQL. Every query is scoped by domain or by an unguessable room session id. */
export interface RoomStore {
  findOpen(domain: DomainName, name: RoomName): Promise<OpenRoom | null>;
  findById(id: RoomSessionId): Promise<(OpenRoom & { readonly closedAt: Date | null }) | null>;
  listOpen(domain: DomainName): Promise<readonly Room[]>;
  /** False when a room of that name is open already: decided by the database's unique index, never by a read. */
  insert(room: Room): Promise<boolean>;
  /** Null when it is not open any more. */
  change(id: RoomSessionId, changes: RoomChanges): Promise<ChangedRoom | null>;
  /** Marks it as closing; false when it is closed. Repeating is fine. */
  markClosing(id: RoomSessionId, at: Date): Promise<boolean>;
  /** Takes the mark from an open room. A closed one keeps it until {@link closingDone}. */
  clearClosing(id: RoomSessionId): Promise<void>;
  /** Takes the mark from a closed room: its live state is gone too. */
  closingDone(id: RoomSessionId): Promise<void>;
  /** Ends it; false when somebody else did already, so that one ending writes one event. The closing mark stays. */
  close(id: RoomSessionId, at: Date): Promise<boolean>;
  /** Whether the last room of that name closed after `since` and had a host key or a password. */
  wasProtectedSince(domain: DomainName, name: RoomName, since: Date): Promise<boolean>;
  /** Notes whether somebody is in, and when it is to close if that stays so. */
  setOccupancy(id: RoomSessionId, occupied: boolean, closeAfter: Date | null): Promise<void>;
  /** Open rooms, not being closed, whose `closeAfter` has passed; the longest overdue first. */
  due(now: Date, limit: number): Promise<readonly Room[]>;
  /** Rooms, open or closed, marked closing before `before`: somebody died in between. */
  stuckClosing(before: Date, limit: number): Promise<ReadonlyArray<Room & { readonly closedAt: Date | null }>>;
  /** A page of all open rooms of the region, by id, after `after`. */
  openAfter(after: RoomSessionId | null, limit: number): Promise<readonly FoundOpen[]>;
}
