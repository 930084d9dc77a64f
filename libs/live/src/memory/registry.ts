import type { ReplicaId, SessionId, TenantKey } from '@parley/domain';
import type { StoreTimes } from '../limits';
import type { RegistryStore } from '../store';
import type { MemoryLiveHub } from './hub';

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
    retire: (replica, onlyIfDead) =>
      hub.run(() => {
        const last = hub.replicas.get(replica) ?? hub.now();
        if (!onlyIfDead || hub.now() - last >= times.deadAfterMs) hub.replicas.delete(replica);
      }),
    own: (replica, session) => hub.run(() => add(hub.owned, replica, session)),
    disown: (replica, session) => hub.run(() => remove(hub.owned, replica, session)),
    owned: (replica) => hub.run(() => [...(hub.owned.get(replica) ?? [])]),
    addUser: (tenant, userId, session) => hub.run(() => add(hub.users, user(tenant, userId), session)),
    removeUser: (tenant, userId, session) => hub.run(() => remove(hub.users, user(tenant, userId), session)),
    userSessions: (tenant, userId) => hub.run(() => [...(hub.users.get(user(tenant, userId)) ?? [])]),
    schedule: (session, inMs) =>
      hub.run(() => {
        const version = (hub.due.get(session)?.version ?? 0) + 1;
        hub.due.set(session, { at: hub.now() + inMs, version });
      }),
    claimDue: (limit) =>
      hub.run(() => {
        const now = hub.now();
        const due = [...hub.due].filter(([, entry]) => entry.at <= now).slice(0, limit);
        return due.map(([session, entry]) => {
          Object.assign(entry, { at: now + times.claimMs, version: entry.version + 1 });
          return { session, claim: String(entry.version) };
        });
      }),
    settleDue: ({ session, claim }, againInMs) =>
      hub.run(() => {
        const entry = hub.due.get(session);
        if (!entry || String(entry.version) !== claim) return;
        if (againInMs === undefined) hub.due.delete(session);
        else Object.assign(entry, { at: hub.now() + againInMs, version: entry.version + 1 });
      }),
  };
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
