import { randomUUID } from 'node:crypto';
import { brandAs, type ReplicaId, type SessionId } from '@parley/domain';
import type { StoreTimes } from '../limits';
import type { LiveGuards } from '../port';
import type { RegistryStore } from '../store';
import type { RedisConnection } from './connection';
import type { Keys } from './keys';
import { list, pairs, text } from './replies';

/** Replicas, indexes and due work on Redis. */
export function redisRegistry(redis: RedisConnection, keys: Keys, times: StoreTimes): RegistryStore {
  const index = async (key: string, session: SessionId) => {
    await redis.run('registry.index', [key], [session, times.abandonedMs]);
  };
  const remove = async (key: string, session: SessionId) => {
    await redis.guard(() => redis.client.zrem(key, session));
  };
  const members = async (key: string) => {
    const all = await redis.guard(() => redis.client.zrange(key, 0, -1));
    return all.map((id) => brandAs<SessionId>(id));
  };
  return {
    async beat(replica) {
      const args = [replica, randomUUID(), times.deadAfterMs, times.generationGraceMs];
      const [generation, lapsed, dead] = list(await redis.run('registry.beat', keys.replicas, args));
      const silent = pairs(dead).map(([name, ago]) => ({ replica: brandAs<ReplicaId>(name), agoMs: Number(ago) }));
      return { generation: text(generation), lapsed: lapsed === 1, dead: silent };
    },
    async retire(replica, onlyIfDead) {
      const [beats] = keys.replicas;
      await redis.run('registry.retire', [beats], [replica, onlyIfDead ? times.deadAfterMs : 0]);
    },
    own: (replica, session) => index(keys.owned(replica), session),
    disown: (replica, session) => remove(keys.owned(replica), session),
    owned: (replica) => members(keys.owned(replica)),
    addUser: (tenant, userId, session) => index(keys.user(tenant, userId), session),
    removeUser: (tenant, userId, session) => remove(keys.user(tenant, userId), session),
    userSessions: (tenant, userId) => members(keys.user(tenant, userId)),
    async schedule(session, inMs) {
      await redis.run('registry.schedule', [keys.due], [session, inMs]);
    },
    async claimDue(limit) {
      const reply = await redis.run('registry.claim', [keys.due], [limit, times.claimMs]);
      return pairs(reply).map(([id, claim]) => ({ session: brandAs<SessionId>(id), claim }));
    },
    async settleDue({ session, claim }, againInMs) {
      await redis.run('registry.settle', [keys.due], [session, claim, againInMs ?? '']);
    },
  };
}

/** One-time values, counters and leases on Redis. */
export function redisGuards(redis: RedisConnection, keys: Keys): LiveGuards {
  const hit = async (scope: string, windowMs: number | '') => {
    const [count, resetsInMs] = list(await redis.run('registry.hit', [keys.guard('hits', scope)], [windowMs]));
    return { count: Number(count), resetsInMs: Number(resetsInMs) };
  };
  return {
    async once(scope, value, ttlMs, limit) {
      const reply = await redis.run('registry.once', [keys.guard('seen', scope)], [value, ttlMs, limit ?? '']);
      return reply === 'full' ? 'full' : reply === 'new';
    },
    hit: (scope, windowMs) => hit(scope, windowMs),
    hits: (scope) => hit(scope, ''),
    lease: async (name, holder, ttlMs) =>
      (await redis.run('registry.lease', [keys.guard('lease', name)], [holder, ttlMs])) === 1,
    async release(name, holder) {
      await redis.run('registry.release', [keys.guard('lease', name)], [holder]);
    },
  };
}
