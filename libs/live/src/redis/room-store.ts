import { randomUUID } from 'node:crypto';
import { brandAs, type DoorPolicy, type Member, type Role, type RoomSessionId, type SessionId } from '@parley/domain';
import { ROOM_LOG_LIMITS, type StoreTimes } from '../limits';
import type { RoomLogEntry, RoomStore, StoredJoin } from '../store';
import type { RedisConnection, Reply } from './connection';
import type { Keys } from './keys';
import { list, pairs, text, texts } from './replies';
import type { ROOM_SCRIPTS } from './scripts/room-scripts';

/** Rooms on Redis: each method is one script over one room's keys. */
export function redisRooms(redis: RedisConnection, keys: Keys, times: StoreTimes): RoomStore {
  const { messages, bytes } = ROOM_LOG_LIMITS;
  const run = (name: keyof typeof ROOM_SCRIPTS, room: RoomSessionId, ...args: (string | number)[]) => {
    const fixed = [redis.publish, messages, bytes, times.keepMs, times.abandonedMs, randomUUID()];
    return redis.run(`room.${name}`, keys.room(room), [...fixed, ...args]);
  };
  return {
    async join(room, request) {
      const { policy, session, attempt, role, passwordVersion, passesLock, member } = request;
      const who = [session, attempt, role, passwordVersion, passesLock ? 1 : 0, member.kind, JSON.stringify(member)];
      return toJoin(list(await run('join', room, ...rules(policy), ...who)));
    },
    async leave(room, session, attempt) {
      const [removed, empty] = list(await run('leave', room, session, attempt ?? ''));
      return { removed: removed === 1, empty: empty === 1 };
    },
    append: async (room, json, except) => (await run('append', room, json, except)) === 1,
    async read(room, generation, after) {
      const reply = await run('read', room, generation, after);
      if (reply === null) return undefined;
      const [gen, seq, reaches, entries, members, policy] = list(reply);
      return {
        generation: text(gen),
        seq: Number(seq),
        entries: reaches === 1 ? texts(entries).map(toEntry) : undefined,
        members: toMembers(members),
        policy: toPolicy(texts(policy)),
      };
    },
    async members(room) {
      const [, members] = keys.room(room);
      const all = await redis.guard(() => redis.client.hgetall(members));
      return toMembers(Object.entries(all).flat());
    },
    async announce(room, generation, policy, members) {
      const reply = await run('announce', room, ...rules(policy), generation, ...members.flatMap(fields));
      if (reply === null) return undefined;
      const [gen, seq] = list(reply);
      return { generation: text(gen), seq: Number(seq) };
    },
    applyPolicy: async (room, policy) => void (await run('policy', room, ...rules(policy))),
    beginClosing: async (room, force) =>
      (await run('beginClosing', room, force ? 1 : 0)) === 'occupied' ? 'occupied' : 'closing',
    undoClosing: async (room) => void (await run('undoClosing', room)),
    finishClosing: async (room) => void (await run('finishClosing', room, times.tombstoneMs)),
  };
}

function rules(policy: DoorPolicy): (string | number)[] {
  const { version, type, locked, capacity, passwordVersion, hasHostKey } = policy;
  return [version, type, locked ? 1 : 0, capacity, passwordVersion, hasHostKey ? 1 : 0];
}

function toPolicy(fields: readonly string[]): DoorPolicy | undefined {
  const [version, type, locked, capacity, passwordVersion, hasHostKey] = fields;
  if (version === undefined) return undefined;
  return {
    version: Number(version),
    type: type === 'webinar' ? 'webinar' : 'conference',
    locked: locked === '1',
    capacity: Number(capacity),
    passwordVersion: Number(passwordVersion),
    hasHostKey: hasHostKey === '1',
  };
}

/** What `announce` takes of a member. */
function fields({ sessionId, order, role, ...rest }: Member): (string | number)[] {
  return [sessionId, order, role, rest.kind, JSON.stringify(rest)];
}

function toJoin([kind, generation, seq, again, members]: readonly Reply[]): StoredJoin {
  if (kind === 'room_closing' || kind === 'room_locked' || kind === 'wrong_password' || kind === 'room_full') {
    return { kind: 'refused', code: kind };
  }
  const all = toMembers(members);
  return {
    kind: 'joined',
    generation: text(generation),
    seq: Number(seq),
    first: all.length === 1,
    again: again === '1',
    members: all,
  };
}

/** `order|role|attempt|kind|json` by session. */
function toMembers(reply: Reply | undefined): Member[] {
  const members = pairs(reply).map(([id, value]) => {
    const [order = '', role = '', attempt = '', kind = ''] = value.split('|', 4);
    const json = value.slice(order.length + role.length + attempt.length + kind.length + 4);
    const rest = JSON.parse(json) as Omit<Member, 'sessionId' | 'order' | 'role'>; // written by join() above
    const known: Role = role === 'host' ? 'host' : 'guest';
    return { ...rest, sessionId: brandAs<SessionId>(id), order: Number(order), role: known };
  });
  return members.sort((a, b) => a.order - b.order);
}

/** `seq\nms\nexcept\njson` */
function toEntry(line: string): RoomLogEntry {
  const first = line.indexOf('\n');
  const second = line.indexOf('\n', first + 1);
  const third = line.indexOf('\n', second + 1);
  return { seq: Number(line.slice(0, first)), except: line.slice(second + 1, third), json: line.slice(third + 1) };
}
