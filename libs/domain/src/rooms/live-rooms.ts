import type { RoomSessionId, SessionId } from '../kernel/ids';
import type { LivePeers } from '../peers/live-peers';
import type { Member } from '../sessions/core-event';
import type { DoorPolicy } from './room';

/**
 * What the rules need of the live state of rooms; implemented by the live layer (memory and Redis). All of it holds
 * across replicas.
 */
export interface LiveRooms extends LivePeers {
  /** Everybody in the room on all replicas, in order of arrival; empty when nobody is or the room is unknown. */
  members(room: RoomSessionId): Promise<readonly Member[]>;
  /** Makes the door's rules known; older versions than the known one are ignored. Tells the members when they changed. */
  applyPolicy(room: RoomSessionId, policy: DoorPolicy): Promise<void>;
  /**
   * Marks the room as closing, after which nobody can join. `occupied` (nothing marked) while somebody is in and `force`
   * is false. Repeating it while closing answers `closing` again.
   */
  beginClosing(room: RoomSessionId, force: boolean): Promise<'closing' | 'occupied'>;
  /** Takes the mark back, e.g. because the database refused. */
  undoClosing(room: RoomSessionId): Promise<void>;
  /** Tells everybody (`room-closed`), takes them out and deletes the live state. Idempotent. */
  finishClosing(room: RoomSessionId): Promise<void>;
  /**
   * Throws one out: tells it (`kicked`), tells the others (`left`), burns its resume id and the ticket it came with.
   * False when it is not in this room.
   */
  kick(room: RoomSessionId, session: SessionId): Promise<boolean>;
  /** Throws everybody out; answers how many. */
  kickAll(room: RoomSessionId): Promise<number>;
}
