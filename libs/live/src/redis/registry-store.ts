import { randomUUID } from 'node:crypto';
import { brandAs, type ReplicaId, type RoomSessionId, type SessionId } from '@parley/domain';
import type { StoreTimes } from '../limits';
import type { LiveGuards } from '../port';
import type { AskStore } from '../state-store';
import type { RegistryStore } from '../registry-store';
import type { RedisConnection } from './connection';
import { Generations } from './generation';
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
  const generations = new Generations(redis, keys);
  const members = async (key: string) => {
    const all = await redis.guard(() => redis.client.zrange(key, 0, -1));
    return all.map((id) => brandAs<SessionId>(id));
  };
  return {
    async beat(replica) {
      const args = [replica, randomUUID(), times.deadAfterMs, times.generationGraceMs];
      const [id, lapsed, dead] = list(await redis.run('registry.beat', keys.replicas, args));
      const silent = pairs(dead).map(([name, ago]) => ({ replica: brandAs<ReplicaId>(name), agoMs: Number(ago) }));
      return { generation: await generations.with(text(id), 'those there'), lapsed: lapsed === 1, dead: silent };
    },
    generation: () => generations.read(),
    async retire(replica) {
      const [beats] = keys.replicas;
      await redis.run('registry.retire', [beats], [replica, times.deadAfterMs]);
    },
    own: (replica, session) => index(keys.owned(replica), session),
    disown: (replica, session) => remove(keys.owned(replica), session),
    owned: (replica) => members(keys.owned(replica)),
    addUser: (tenant, userId, session) => index(keys.user(tenant, userId), session),
    removeUser: (tenant, userId, session) => remove(keys.user(tenant, userId), session),
    userSessions: (tenant, userId) => members(keys.user(tenant, userId)),
    ...redisDue(redis, keys, times),
    async enlist(kind, ids) {
      if (ids.length > 0) await redis.run('registry.enlist', [keys.listed(kind)], [times.believedMs, ...ids]);
    },
    async delist(kind, id) {
      await redis.guard(() => redis.client.zrem(keys.listed(kind), id));
    },
    listed: async (kind) => Number(await redis.run('registry.count', [keys.listed(kind)], [])),
    addVirtual: (parent, virtual) => index(keys.virtuals(parent), virtual),
    removeVirtual: (parent, virtual) => remove(keys.virtuals(parent), virtual),
    virtuals: (parent) => members(keys.virtuals(parent)),
    ...redisTenants(redis, keys, times),
  };
}

/** Work that somebody is to look at later. */
function redisDue(
  redis: RedisConnection,
  keys: Keys,
  times: StoreTimes,
): Pick<RegistryStore, 'schedule' | 'claimDue' | 'settleDue' | 'scheduleRoom' | 'claimDueRooms' | 'settleDueRoom'> {
  return {
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
    async scheduleRoom(room, inMs) {
      await redis.run('registry.scheduleSooner', [keys.dueRooms], [room, inMs]);
    },
    async claimDueRooms(limit) {
      const reply = await redis.run('registry.claim', [keys.dueRooms], [limit, times.claimMs]);
      return pairs(reply).map(([id, claim]) => ({ room: brandAs<RoomSessionId>(id), claim }));
    },
    async settleDueRoom({ room, claim }, againInMs) {
      await redis.run('registry.settle', [keys.dueRooms], [room, claim, againInMs ?? '']);
    },
  };
}

/** Who counts for a tenant, and who has which foreign id. */
function redisTenants(
  redis: RedisConnection,
  keys: Keys,
  { believedMs }: StoreTimes,
): Pick<
  RegistryStore,
  'admit' | 'dismiss' | 'count' | 'claimForeign' | 'keepForeign' | 'releaseForeign' | 'foreignHolder'
> {
  const toId = (reply: unknown) => (typeof reply === 'string' && reply ? brandAs<SessionId>(reply) : undefined);
  return {
    admit: async (tenant, session, limit) =>
      (await redis.run('registry.admit', [keys.counted(tenant)], [session, believedMs, limit ?? ''])) === 1,
    async dismiss(tenant, session) {
      await redis.guard(() => redis.client.zrem(keys.counted(tenant), session));
    },
    count: async (tenant) => Number(await redis.run('registry.count', [keys.counted(tenant)], [])),
    claimForeign: async (tenant, foreignId, session) =>
      toId(await redis.run('registry.claimForeign', [keys.foreign(tenant, foreignId)], [session, believedMs])),
    // A lease is the same thing: taken or prolonged unless somebody else has it.
    async keepForeign(tenant, foreignId, session) {
      await redis.run('registry.lease', [keys.foreign(tenant, foreignId)], [session, believedMs]);
    },
    async releaseForeign(tenant, foreignId, session, heir) {
      const args = [session, believedMs, heir ?? ''];
      await redis.run('registry.releaseForeign', [keys.foreign(tenant, foreignId)], args);
    },
    foreignHolder: async (tenant, foreignId) =>
      toId(await redis.guard(() => redis.client.get(keys.foreign(tenant, foreignId)))),
  };
}

/** Questions on Redis. */
export function redisAsks(redis: RedisConnection, keys: Keys): AskStore {
  const answerOf = (askId: string) => keys.ask(askId)[0];
  return {
    async open(askId, ttlMs) {
      await redis.run('registry.openAsk', [answerOf(askId)], [ttlMs]);
    },
    answer: async (askId, json) =>
      (await redis.run('registry.answerAsk', keys.ask(askId), [redis.publish, json])) === 1,
    read: async (askId) => (await redis.guard(() => redis.client.get(answerOf(askId)))) || undefined,
    async close(askId) {
      await redis.guard(() => redis.client.del(answerOf(askId)));
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
    async forget(scope, value) {
      await redis.guard(() => redis.client.zrem(keys.guard('seen', scope), value));
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
