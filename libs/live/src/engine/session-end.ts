import type { RoomSessionId, SessionId, TenantKey } from '@parley/domain';
import type { Burning, Checkpoint, Remains } from '../store';
import type { ReplicaContext } from './context';
import type { LiveSession } from './live-session';

/** Ends a session wherever it is, and clears away what it leaves. False: there was nothing to end. */
export async function burnAndClear(ctx: ReplicaContext, id: SessionId, burning: Burning): Promise<boolean> {
  // Before it, should this replica die in between; and after it, as a look may have just found nothing to do.
  await ctx.store.registry.schedule(id, ctx.times.halfDoneJoinMs);
  const remains = await ctx.store.sessions.burn(id, burning);
  if (!remains) return false;
  await ctx.store.registry.schedule(id, ctx.times.halfDoneJoinMs);
  await clearAway(ctx, id, remains);
  return true;
}

/** Takes an ended session out of its rooms and indexes. May be repeated. */
export async function clearAway(ctx: ReplicaContext, id: SessionId, remains: Remains): Promise<void> {
  const { registry } = ctx.store;
  for (const virtual of await registry.virtuals(id)) {
    await burnAndClear(ctx, virtual, { reason: 'ended', detail: 'parent' });
    await registry.removeVirtual(id, virtual);
  }
  for (const room of remains.rooms) await takeOut(ctx, room, id, { tenant: remains.tenant, quiet: remains.quiet });
  await registry.removeUser(remains.tenant, remains.userId, id);
  await registry.dismiss(remains.tenant, id);
  await registry.delist('sessions', id);
  await registry.disown(remains.owner, id);
  await ctx.store.sessions.bury(id);
}

/**
 * Removes a member from a room and reports when that left it empty.
 * @param which `tenant`: whose foreign id is given up with it, undefined when nobody knows any more (it is forgotten by
 *   itself then); `attempt`: only the member that came in by it; `quiet`: nobody outside the room hears of it
 */
export async function takeOut(
  ctx: ReplicaContext,
  room: RoomSessionId,
  id: SessionId,
  which: { readonly tenant: TenantKey | undefined; readonly attempt?: number | undefined; readonly quiet?: boolean },
): Promise<boolean> {
  const { tenant, attempt, quiet = false } = which;
  const note = quiet ? undefined : await ctx.departures.note(room, id);
  const { removed, empty, foreignSessionId } = await ctx.store.rooms.leave(room, id, attempt);
  if (removed && empty) ctx.occupancy(room, false);
  if (note && removed) await ctx.departures.tell(note);
  if (tenant && foreignSessionId) await ctx.store.registry.releaseForeign(tenant, foreignSessionId, id);
  return removed;
}

/** The connection broke: the resume window starts. */
export async function giveUp(ctx: ReplicaContext, session: LiveSession): Promise<void> {
  const checkpoint = session.checkpoint();
  session.forget();
  await ctx.chores.now(`detach ${session.id}`, async () => {
    await detach(ctx, session.id, session.epoch, checkpoint);
    // It may be here again, or on its way.
    if (!ctx.holds(session.id)) await ctx.store.registry.disown(ctx.replica, session.id);
  });
}

/**
 * Its window begins. The date comes after what makes it needed: a look in between would find nothing to do, and nobody
 * would look again. Should this replica die in between, it still owns the session, and whoever buries it sets the date.
 */
export async function detach(ctx: ReplicaContext, id: SessionId, epoch: number, checkpoint: Checkpoint): Promise<void> {
  await ctx.store.sessions.detach(id, epoch, checkpoint);
  await ctx.store.registry.schedule(id, ctx.times.resumeWindowMs);
}

/** Its client said good-bye. */
export async function sayGoodbye(ctx: ReplicaContext, session: LiveSession): Promise<void> {
  session.forget();
  await ctx.chores.now(`close ${session.id}`, async () => {
    await burnAndClear(ctx, session.id, { reason: 'ended', detail: 'closed', epoch: session.epoch });
  });
}
