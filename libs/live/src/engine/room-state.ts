import { DomainError, type JsonValue, type RoomSessionId } from '@parley/domain';
import type { LiveRoomState } from '../room-port';
import type { ReplicaContext } from './context';

/** What replicas share about a room besides who is in it. */
export function roomStateOf(ctx: ReplicaContext): LiveRoomState {
  const { rooms } = ctx.store;
  return {
    nextOrder: (room) => rooms.nextOrder(room),
    setProperties: (room, properties, order) => rooms.setProperties(room, { json: JSON.stringify(properties), order }),
    async putDocument(room, name, value, order) {
      const document = { json: JSON.stringify(value), order };
      const taken = await rooms.putDocument(room, name, document);
      if (taken) ctx.feeds.get(room)?.documents.set(name, document);
      return taken;
    },
    async document(room, name) {
      const found = await rooms.document(room, name);
      if (!found) return undefined;
      ctx.feeds.get(room)?.documents.set(name, found);
      return JSON.parse(found.json) as JsonValue; // written by putDocument()
    },
    async patchMembers(room, patches, order) {
      const members = await rooms.patch(room, patches, order);
      if (!members) suspectLoss(ctx, room);
      return members ?? [];
    },
    async describeMember(room, session, who) {
      const member = (await rooms.members(room)).find(({ sessionId }) => sessionId === session);
      if (member) await rooms.describe(room, { ...member, ...who });
    },
    setTransient: (room, key, value, ttlMs = 0) => setTransient(ctx, room, key, value, ttlMs),
    removeTransient: (room, key) => removeTransient(ctx, room, key),
  };
}

async function setTransient(
  ctx: ReplicaContext,
  room: RoomSessionId,
  key: string,
  value: JsonValue,
  ttlMs: number,
): Promise<void> {
  if (value === null) return removeTransient(ctx, room, key);
  const { rooms, registry } = ctx.store;
  // Before the fact, so that somebody looks should this replica die; and after it, as a look may have just passed.
  if (ttlMs > 0) await registry.scheduleRoom(room, ttlMs);
  const answer = await rooms.setTransient(room, key, canonicalJson(value), ttlMs);
  if (answer === 'full') throw new DomainError('not_allowed', 'The room holds no more transient data.');
  if (answer === 'nobody') return suspectLoss(ctx, room);
  if (ttlMs <= 0) return;
  await registry.scheduleRoom(room, ttlMs);
  ctx.expiries.arm(room, ttlMs);
}

async function removeTransient(ctx: ReplicaContext, room: RoomSessionId, key: string): Promise<void> {
  if (!(await ctx.store.rooms.removeTransient(room, key))) suspectLoss(ctx, room);
}

/** The store knows nobody in a room in which somebody is: it has lost it. */
function suspectLoss(ctx: ReplicaContext, room: RoomSessionId): void {
  if (!ctx.feeds.get(room)?.residents.members().length) return;
  ctx.suspect();
  throw new DomainError('unavailable', 'The room is being restored.');
}

/** JSON in which equal values are equal text: keys are sorted. */
export function canonicalJson(value: JsonValue): string {
  return JSON.stringify(value, (_key, part: JsonValue | undefined) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
