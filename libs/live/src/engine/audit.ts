import type { RoomSessionId } from '@parley/domain';
import type { ReplicaContext } from './context';
import { takeOut } from './session-end';

/**
 * Takes out of all rooms who has no session any more. A store that lost a part of what it had may know members whose
 * sessions were in that part: nothing that is due there reminds of them.
 */
export async function auditRooms(ctx: ReplicaContext): Promise<void> {
  for (const room of await ctx.store.rooms.occupied()) await auditRoom(ctx, room);
}

async function auditRoom(ctx: ReplicaContext, room: RoomSessionId): Promise<void> {
  for (const { sessionId } of await ctx.store.rooms.members(room)) {
    if (ctx.sessions.has(sessionId)) continue;
    if (await ctx.store.sessions.find(sessionId)) {
      // The date when its window ends may be lost.
      await ctx.store.registry.schedule(sessionId, 0);
      continue;
    }
    await takeOut(ctx, room, sessionId, { tenant: undefined });
  }
}
