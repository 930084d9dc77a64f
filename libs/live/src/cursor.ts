import { createHash } from 'node:crypto';
import type { Cursor } from './port';
import type { RoomPosition } from './store';

/** The verifier of a resume secret: SHA-256 in hex. Only digests are ever compared, so time tells nothing of the secret. */
export function verifierOf(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** Whether `reached` covers what was delivered at `position` in the same log. */
export function coversRoom(reached: RoomPosition | undefined, position: RoomPosition | undefined): boolean {
  if (!position) return true;
  return sameLog(reached, position) && reached.seq >= position.seq;
}

/** Same room and same generation: their numbers can be compared. */
export function sameLog(a: RoomPosition | undefined, b: RoomPosition | undefined): a is RoomPosition {
  return a !== undefined && b !== undefined && a.id === b.id && a.generation === b.generation;
}

/** A cursor with or without a room, as `exactOptionalPropertyTypes` readers expect it. */
export function cursorOf(session: number, room: RoomPosition | undefined): Cursor {
  return room ? { session, room } : { session };
}
