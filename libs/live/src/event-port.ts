import type { Member, RoomSessionId } from '@parley/domain';

/** A member that is gone: who it was, without its place in the room. */
export type DepartedMember = Omit<Member, 'order' | 'role' | 'inCall' | 'flags'>;

/** Told to everybody who rebuilds what a lost Redis took away. */
export interface LiveEvents {
  /** A room became empty or had its first member again, seen by the replica that did it. Drives `closeAfter`. */
  onOccupancy(listener: (room: RoomSessionId, occupied: boolean) => void): void;
  /**
   * Somebody came into a room or went out of it, or perhaps did, by what this replica did. `rooms.peerNews` tells who.
   * Others may have to look at it in its place: it may die before.
   */
  onPeers(listener: (room: RoomSessionId) => void): void;
  /**
   * Somebody with a `foreign` presence, a service or somebody spoken for is out of a room, for whatever reason (left,
   * ended, expired, kicked, the room was closed). Told once, by a replica that listens: the one that took it out, or
   * another one soon after. Told again when the replica died while it told, or when the listener rejects (at once for an
   * `AbortError`, otherwise after `departureMs`; a listener must be done by then).
   */
  onLeft(listener: (departure: Departure) => Promise<void>): void;
  /**
   * Before somebody outside is told that a session comes: unless that is forgotten within `departureMs`, it is told as
   * having left, also when this replica dies. One that is in a room by then is told too: the listener has to look.
   */
  expect(member: DepartedMember): Promise<Expected>;
}

/** Who left where. */
export interface Departure {
  /** Undefined: it was only expected. */
  readonly room: RoomSessionId | undefined;
  readonly member: DepartedMember;
}

/** What became of somebody who was expected. With neither, it comes due. */
export interface Expected {
  /** It arrived, or nobody was told that it comes. */
  forget(): void;
  /** It did not arrive. Resolves once that is being told. */
  left(): Promise<void>;
}
