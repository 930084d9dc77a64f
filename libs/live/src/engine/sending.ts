import { DomainError, type CoreEvent, type SessionId, type TenantKey } from '@parley/domain';
import type { LiveSessions } from '../port';
import type { Appended } from '../store';
import type { ReplicaContext } from './context';
import { burnAndClear, clearAway } from './session-end';

/** Messages to sessions, users and rooms; the parts of {@link LiveSessions} that need no connection. */
export function sendingOf(ctx: ReplicaContext): Pick<LiveSessions, 'toSession' | 'toUser' | 'toRoom' | 'end' | 'find'> {
  const { store } = ctx;
  return {
    toSession: (tenant, to, event) => appendTo(ctx, tenant, to, event),
    async toUser(tenant, userId, event, except) {
      const ids = await store.registry.userSessions(tenant, userId);
      if (ids.length === 0 && event.kind === 'message') await refuseIfLost(ctx);
      const sent = await Promise.all(ids.filter((id) => id !== except).map((id) => appendTo(ctx, tenant, id, event)));
      return sent.filter((answer) => answer === 'sent').length;
    },
    async toRoom(room, event: CoreEvent, except) {
      if (await store.rooms.append(room, JSON.stringify(event), except ?? '')) return;
      if (!ctx.feeds.get(room)) return;
      ctx.suspect();
      throw new DomainError('unavailable', 'The room is being restored.');
    },
    end: (id, detail, { quietly = false } = {}) => burnAndClear(ctx, id, { reason: 'ended', detail, quiet: quietly }),
    find: (id) => store.sessions.find(id),
  };
}

/** Appends an event to a session's log, or to the log of the session that speaks for it. */
export function appendTo(
  ctx: ReplicaContext,
  tenant: TenantKey,
  to: SessionId,
  event: CoreEvent,
): Promise<'sent' | 'unknown'> {
  const permissions = event.kind === 'permissions' ? event.permissions : undefined;
  return ctx.store.sessions
    .append(to, tenant, JSON.stringify(event), permissions)
    .then((answer) => (answer === 'sent' ? answer : notAppended(ctx, tenant, to, event, answer)));
}

async function notAppended(
  ctx: ReplicaContext,
  tenant: TenantKey,
  to: SessionId,
  event: CoreEvent,
  answer: Exclude<Appended, 'sent'>,
): Promise<'sent' | 'unknown'> {
  if (typeof answer === 'object') return appendToParent(ctx, tenant, answer.parent, to, event);
  if (answer === 'overflow') await clearOverflown(ctx, to);
  if (answer === 'missing') await refuseIfLost(ctx);
  return 'unknown';
}

/** Whoever is not found may be somebody whose replica is just giving the store back what it lost. */
async function refuseIfLost(ctx: ReplicaContext): Promise<void> {
  if (!(await ctx.losses.mayHaveLost(() => ctx.suspect()))) return;
  throw new DomainError('unavailable', 'Sessions are being restored.');
}

/** What cannot name whom it is meant for stays with the virtual session, which has no ears. */
async function appendToParent(
  ctx: ReplicaContext,
  tenant: TenantKey,
  parent: SessionId,
  recipient: SessionId,
  event: CoreEvent,
): Promise<'sent' | 'unknown'> {
  if (event.kind !== 'message' && event.kind !== 'room-list') return 'sent';
  return appendTo(ctx, tenant, parent, { ...event, recipient });
}

/** The append ended the session; whoever saw it clears up. */
async function clearOverflown(ctx: ReplicaContext, id: SessionId): Promise<void> {
  await ctx.chores.now(`overflow ${id}`, async () => {
    await ctx.store.registry.schedule(id, ctx.times.halfDoneJoinMs);
    const look = await ctx.store.sessions.look(id);
    if (look.kind === 'over') await clearAway(ctx, id, look.remains);
  });
}
