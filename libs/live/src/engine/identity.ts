import { DomainError, type JsonObject, type Member, type SessionId } from '@parley/domain';
import type { JoinRequest, LiveSessions, SessionRecord } from '../port';
import type { ReplicaContext } from './context';
import { announceFeatures } from './featured';
import type { LiveSession } from './live-session';
import { appendTo } from './sending';

/** How many foreign ids of a list are looked up at once: what others send must not wait behind thousands of them. */
const LOOKUPS = 64;

/** Who sessions are, and how many: the indexes of tenants. */
export function identitiesOf(
  ctx: ReplicaContext,
): Pick<LiveSessions, 'count' | 'byForeignId' | 'setPermissions' | 'setUserId' | 'setForeignId' | 'setAttributes'> {
  const { registry } = ctx.store;
  return {
    count: (tenant) => registry.count(tenant),
    async byForeignId(tenant, ids) {
      const found = new Map<string, SessionId>();
      const look = async (id: string) => {
        const holder = await registry.foreignHolder(tenant, id);
        if (holder) found.set(id, holder);
      };
      const all = [...new Set(ids)];
      for (let at = 0; at < all.length; at += LOOKUPS) await Promise.all(all.slice(at, at + LOOKUPS).map(look));
      return found;
    },
    setPermissions: async (id, permissions, tenant) =>
      (await appendTo(ctx, tenant, id, { kind: 'permissions', permissions })) === 'sent',
    setUserId: (id, userId) => setUserId(ctx, id, userId),
    setForeignId: (id, foreignSessionId) => setForeignId(ctx, id, foreignSessionId),
    setAttributes: (id, attributes) => setAttributes(ctx, id, attributes),
  };
}

/**
 * Counts a new session of its tenant.
 * @throws DomainError `session_limit_exceeded`
 */
export async function admit(ctx: ReplicaContext, record: SessionRecord, limit: number | undefined): Promise<void> {
  if (!counts(record)) return;
  const { registry } = ctx.store;
  if (await registry.admit(record.tenant, record.id, limit)) return;
  await ctx.sweep();
  if (await registry.admit(record.tenant, record.id, limit)) return;
  throw new DomainError('session_limit_exceeded', 'Too many sessions are connected.');
}

/** Keeps a session in the indexes; makes them anew when they were lost. */
export async function announceIdentity(ctx: ReplicaContext, session: LiveSession): Promise<void> {
  const { registry } = ctx.store;
  const { tenant, userId, id } = session.record;
  await registry.addUser(tenant, userId, id);
  await announceFeatures(ctx, session.record);
  if (counts(session.record)) await registry.admit(tenant, id);
  const foreignId = session.feed?.residents.self(session)?.foreignSessionId;
  if (foreignId !== undefined) await registry.keepForeign(tenant, foreignId, id);
}

/** Before a join is announced, its foreign id leads to it. */
export async function claimForeign(
  ctx: ReplicaContext,
  { id, tenant }: SessionRecord,
  { member }: JoinRequest,
): Promise<{ readonly tookOver: SessionId | undefined; giveBack(): Promise<void> }> {
  const { foreignSessionId } = member;
  if (foreignSessionId === undefined) return { tookOver: undefined, giveBack: async () => undefined };
  const { registry } = ctx.store;
  const tookOver = await registry.claimForeign(tenant, foreignSessionId, id);
  return { tookOver, giveBack: () => registry.releaseForeign(tenant, foreignSessionId, id, tookOver) };
}

/** Who is in the room under the same foreign id and should have been found by it: the store lost the index. */
export async function namesakeIn(
  ctx: ReplicaContext,
  { id, tenant }: SessionRecord,
  { member: { foreignSessionId } }: JoinRequest,
  { members }: { readonly members: readonly Member[] },
): Promise<SessionId | undefined> {
  if (foreignSessionId === undefined) return undefined;
  const other = members.find((member) => member.sessionId !== id && member.foreignSessionId === foreignSessionId);
  if (!other) return undefined;
  // Of two who come at the same moment the index says which is the later one.
  const holder = await ctx.store.registry.foreignHolder(tenant, foreignSessionId).catch(() => undefined);
  return holder === id ? other.sessionId : undefined;
}

function counts({ kind }: SessionRecord): boolean {
  return kind === 'client' || kind === 'federation' || kind === 'robot';
}

async function setUserId(ctx: ReplicaContext, id: SessionId, userId: string): Promise<void> {
  const session = ctx.sessions.get(id);
  if (!session) throw new DomainError('session_not_found', 'The session is not held here.');
  const { tenant, userId: before } = session.record;
  if (before === userId) return;
  const { registry, sessions } = ctx.store;
  await registry.addUser(tenant, userId, id);
  if (!(await sessions.rename(id, session.epoch, userId))) {
    throw new DomainError('session_not_found', 'The session is no longer held here.');
  }
  session.record = { ...session.record, userId };
  await registry.removeUser(tenant, before, id);
}

async function setForeignId(
  ctx: ReplicaContext,
  id: SessionId,
  foreignSessionId: string,
): Promise<SessionId | undefined> {
  const { room, record } = ctx.sessions.get(id) ?? {};
  if (!room || !record) return undefined;
  const { registry, rooms } = ctx.store;
  const self = (await rooms.members(room)).find(({ sessionId }) => sessionId === id);
  if (!self || self.foreignSessionId === foreignSessionId) return undefined;
  const tookOver = await registry.claimForeign(record.tenant, foreignSessionId, id);
  await rooms.describe(room, { ...self, foreignSessionId });
  if (self.foreignSessionId !== undefined) await registry.releaseForeign(record.tenant, self.foreignSessionId, id);
  return tookOver;
}

async function setAttributes(ctx: ReplicaContext, id: SessionId, attributes: JsonObject): Promise<void> {
  const session = ctx.sessions.get(id);
  if (!session) throw new DomainError('session_not_found', 'The session is not held here.');
  const record = { ...session.record, attributes };
  if (!(await ctx.store.sessions.describe(id, session.epoch, record))) {
    throw new DomainError('session_not_found', 'The session is no longer held here.');
  }
  // Its user id may have changed meanwhile.
  session.record = { ...session.record, attributes };
}
