import type { RoomSessionId } from '../kernel/ids';
import type { Stores } from '../kernel/unit-of-work';
import type { RoomChangeFacts } from '../webhooks/events';
import { roomNotFound } from './opening';
import type { Room } from './room';
import type { ChangedRoom, RoomChanges } from './room.store';

/**
 * Changes an open room and tells of what is new about it; of nothing when nothing is.
 * @throws DomainError room_not_found when it is not open (any more)
 */
export async function changeOpen(stores: Stores, id: RoomSessionId, changes: RoomChanges, now: Date): Promise<Room> {
  const changed = await stores.rooms.change(id, changes);
  if (!changed) throw roomNotFound();
  const room = changed.after;
  const facts = whatChanged(changed);
  if (Object.keys(facts).length === 0) return room;
  const { type, capacity, locked } = room.policy;
  await stores.outbox.append({
    type: 'room.updated',
    domain: room.domain,
    roomName: room.name,
    roomSessionId: room.id,
    payload: { type, capacity, locked, changes: facts },
    occurredAt: now,
  });
  return room;
}

function whatChanged({ before, after }: ChangedRoom): RoomChangeFacts {
  const [was, is] = [before.policy, after.policy];
  // Taking away a password that is not there raises its version, and is nothing to tell of.
  const password = is.passwordVersion !== was.passwordVersion && (before.password ?? after.password) !== null;
  return {
    ...(is.type !== was.type && { type: is.type }),
    ...(is.capacity !== was.capacity && { capacity: is.capacity }),
    ...(is.locked !== was.locked && { locked: is.locked }),
    ...(password && { passwordSet: after.password !== null }),
    ...(is.hasHostKey !== was.hasHostKey && { hostKeySet: is.hasHostKey }),
  };
}
