import { DomainError, type CoreEvent, type SessionId, type TenantKey } from '@parley/domain';
import type { LiveSessions } from '../port';
import type { ReplicaContext } from './context';
import { burnAndClear, clearAway } from './session-end';

/** Messages to sessions, users and rooms; the parts of {@link LiveSessions} that need no connection. */
export function sendingOf(ctx: ReplicaContext): Omit<LiveSessions, 'open' | 'resume'> {
  const { store } = ctx;
  return {
    toSession: (tenant, to, event) => append(ctx, tenant, to, JSON.stringify(event)),
    async toUser(tenant, userId, event, except) {
      const json = JSON.stringify(event);
      const ids = await store.registry.userSessions(tenant, userId);
      const sent = await Promise.all(ids.filter((id) => id !== except).map((id) => append(ctx, tenant, id, json)));
      return sent.filter((answer) => answer === 'sent').length;
    },
    async toRoom(room, event: CoreEvent, except) {
      if (await store.rooms.append(room, JSON.stringify(event), except ?? '')) return;
      if (!ctx.feeds.get(room)) return;
      ctx.suspect();
      throw new DomainError('unavailable', 'The room is being restored.');
    },
    end: (id, detail) => burnAndClear(ctx, id, { reason: 'ended', detail }),
    find: (id) => store.sessions.find(id),
  };
}

async function append(
  ctx: ReplicaContext,
  tenant: TenantKey,
  to: SessionId,
  json: string,
): Promise<'sent' | 'unknown'> {
  const answer = await ctx.store.sessions.append(to, tenant, json);
  if (answer === 'overflow') await clearOverflown(ctx, to);
  if (answer === 'unknown' && ctx.sessions.get(to)?.record.tenant === tenant) ctx.suspect();
  return answer === 'sent' ? 'sent' : 'unknown';
}

/** The append ended the session; whoever saw it clears up. */
async function clearOverflown(ctx: ReplicaContext, id: SessionId): Promise<void> {
  await ctx.chores.now(`overflow ${id}`, async () => {
    await ctx.store.registry.schedule(id, ctx.times.halfDoneJoinMs);
    const look = await ctx.store.sessions.look(id);
    if (look.kind === 'over') await clearAway(ctx, id, look.remains);
  });
}
