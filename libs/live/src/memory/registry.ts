import type { ReplicaId, SessionId, TenantKey } from '@parley/domain';
import type { StoreTimes } from '../limits';
import type { RegistryStore } from '../registry-store';
import type { DueEntry, MemoryLiveHub } from './hub';

/** Replicas, indexes and due work in memory. */
export function memoryRegistry(hub: MemoryLiveHub, times: StoreTimes): RegistryStore {
  const user = (tenant: TenantKey, userId: string) => `${tenant}|${userId}`;
  return {
    beat: (replica) =>
      hub.run(() => {
        const now = hub.now();
        hub.generation ??= { id: hub.unique(), since: now };
        const last = hub.replicas.get(replica);
        const lapsed = last === undefined || now - last >= times.deadAfterMs;
        hub.replicas.set(replica, now);
        const young = now - hub.generation.since < times.generationGraceMs;
        const silent = [...hub.replicas].filter(([, at]) => !young && now - at >= times.deadAfterMs);
        const dead = silent.map(([name, at]) => ({ replica: name as ReplicaId, agoMs: now - at }));
        return { generation: hub.generation.id, lapsed, dead };
      }),
    generation: () => hub.run(() => hub.generation?.id ?? ''),
    retire: (replica) =>
      hub.run(() => {
        const last = hub.replicas.get(replica) ?? hub.now();
        if (hub.now() - last >= times.deadAfterMs) hub.replicas.delete(replica);
      }),
    own: (replica, session) => hub.run(() => add(hub.owned, replica, session)),
    disown: (replica, session) => hub.run(() => remove(hub.owned, replica, session)),
    owned: (replica) => hub.run(() => [...(hub.owned.get(replica) ?? [])]),
    addUser: (tenant, userId, session) => hub.run(() => add(hub.users, user(tenant, userId), session)),
    removeUser: (tenant, userId, session) => hub.run(() => remove(hub.users, user(tenant, userId), session)),
    userSessions: (tenant, userId) => hub.run(() => [...(hub.users.get(user(tenant, userId)) ?? [])]),
    ...memoryTenants(hub, times),
    ...memoryForeignIds(hub, times),
    enlist: (kind, ids) =>
      hub.run(() => {
        for (const id of ids) hub.listed[kind].set(id, hub.now() + times.believedMs);
      }),
    delist: (kind, id) => hub.run(() => void hub.listed[kind].delete(id)),
    listed: (kind) => hub.run(() => [...hub.listed[kind].values()].filter((until) => until > hub.now()).length),
    addVirtual: (parent, virtual) => hub.run(() => add(hub.virtuals, parent, virtual)),
    removeVirtual: (parent, virtual) => hub.run(() => remove(hub.virtuals, parent, virtual)),
    virtuals: (parent) => hub.run(() => [...(hub.virtuals.get(parent) ?? [])]),
    ...memoryDue(hub, times),
  };
}

/** Work that somebody is to look at later. */
function memoryDue(
  hub: MemoryLiveHub,
  times: StoreTimes,
): Pick<RegistryStore, 'schedule' | 'claimDue' | 'settleDue' | 'scheduleRoom' | 'claimDueRooms' | 'settleDueRoom'> {
  return {
    schedule: (session, inMs) => hub.run(() => schedule(hub.due, session, hub.now() + inMs)),
    claimDue: (limit) =>
      hub.run(() => claim(hub, times, hub.due, limit).map(([session, claim]) => ({ session, claim }))),
    settleDue: ({ session, claim }, againInMs) => hub.run(() => settle(hub, hub.due, session, claim, againInMs)),
    scheduleRoom: (room, inMs) =>
      hub.run(() => {
        const at = hub.now() + inMs;
        const known = hub.dueRooms.get(room);
        if (known?.claimed) schedule(hub.dueRooms, room, Math.min(at, known.at));
        else if (!known || known.at > at) schedule(hub.dueRooms, room, at);
      }),
    claimDueRooms: (limit) =>
      hub.run(() => claim(hub, times, hub.dueRooms, limit).map(([room, claim]) => ({ room, claim }))),
    settleDueRoom: ({ room, claim }, againInMs) => hub.run(() => settle(hub, hub.dueRooms, room, claim, againInMs)),
  };
}

/** Who counts for a tenant. */
function memoryTenants(hub: MemoryLiveHub, times: StoreTimes): Pick<RegistryStore, 'admit' | 'dismiss' | 'count'> {
  const counted = (tenant: TenantKey) => {
    const all = hub.counted.get(tenant) ?? new Map<SessionId, number>();
    for (const [id, until] of all) if (until <= hub.now()) all.delete(id);
    hub.counted.set(tenant, all);
    return all;
  };
  return {
    admit: (tenant, session, limit = Number.POSITIVE_INFINITY) =>
      hub.run(() => {
        const all = counted(tenant);
        if (!all.has(session) && all.size >= limit) return false;
        all.set(session, hub.now() + times.believedMs);
        return true;
      }),
    dismiss: (tenant, session) => hub.run(() => void counted(tenant).delete(session)),
    count: (tenant) => hub.run(() => counted(tenant).size),
  };
}

/** Who has which foreign id. */
function memoryForeignIds(
  hub: MemoryLiveHub,
  times: StoreTimes,
): Pick<RegistryStore, 'claimForeign' | 'keepForeign' | 'releaseForeign' | 'foreignHolder'> {
  const key = (tenant: TenantKey, foreignId: string) => `${tenant}|${foreignId}`;
  const holder = (name: string) => {
    const known = hub.foreign.get(name);
    return known && known.until > hub.now() ? known.holder : undefined;
  };
  const hold = (name: string, session: SessionId) =>
    void hub.foreign.set(name, { holder: session, until: hub.now() + times.believedMs });
  return {
    claimForeign: (tenant, foreignId, session) =>
      hub.run(() => {
        const name = key(tenant, foreignId);
        const before = holder(name);
        hold(name, session);
        return before === session ? undefined : before;
      }),
    keepForeign: (tenant, foreignId, session) =>
      hub.run(() => {
        const name = key(tenant, foreignId);
        if ((holder(name) ?? session) === session) hold(name, session);
      }),
    releaseForeign: (tenant, foreignId, session, heir) =>
      hub.run(() => {
        const name = key(tenant, foreignId);
        if (holder(name) !== session) return;
        if (heir) hold(name, heir);
        else hub.foreign.delete(name);
      }),
    foreignHolder: (tenant, foreignId) => hub.run(() => holder(key(tenant, foreignId))),
  };
}

function schedule<Id>(due: Map<Id, DueEntry>, id: Id, at: number): void {
  due.set(id, { at, version: (due.get(id)?.version ?? 0) + 1, claimed: false });
}

function claim<Id>(hub: MemoryLiveHub, times: StoreTimes, due: Map<Id, DueEntry>, limit: number): [Id, string][] {
  const now = hub.now();
  const ripe = [...due].filter(([, entry]) => entry.at <= now).slice(0, limit);
  return ripe.map(([id, entry]) => {
    Object.assign(entry, { at: now + times.claimMs, version: entry.version + 1, claimed: true });
    return [id, String(entry.version)];
  });
}

function settle<Id>(
  hub: MemoryLiveHub,
  due: Map<Id, DueEntry>,
  id: Id,
  claim: string,
  againInMs: number | undefined,
): void {
  const entry = due.get(id);
  if (!entry || String(entry.version) !== claim) return;
  if (againInMs === undefined) due.delete(id);
  else Object.assign(entry, { at: hub.now() + againInMs, version: entry.version + 1, claimed: false });
}

function add(index: Map<string, Set<SessionId>>, key: string, session: SessionId): void {
  const known = index.get(key);
  if (known) known.add(session);
  else index.set(key, new Set([session]));
}

function remove(index: Map<string, Set<SessionId>>, key: string, session: SessionId): void {
  const known = index.get(key);
  known?.delete(session);
  if (known?.size === 0) index.delete(key);
}
