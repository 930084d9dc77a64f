import { randomUUID } from 'node:crypto';
import { brandAs, type DoorPolicy, type Member, type Role, type RoomSessionId, type SessionId } from '@parley/domain';
import { Cluster } from 'ioredis';
import { ROOM_LOG_LIMITS, TRANSIENT_LIMITS, type StoreTimes } from '../limits';
import type { Ordered, RoomStateStore, StoredRoomState, StoredTransient } from '../state-store';
import { presenceOf } from '../peers';
import type { RoomLogEntry, RoomStore, StoredJoin, StoredJoinRequest } from '../store';
import type { RedisConnection, Reply } from './connection';
import type { Keys } from './keys';
import { noted, notedAt, redisPeers, whoOf } from './peer-store';
import { list, pairs, text, texts } from './replies';
import { TAKES_PEERS } from './scripts/peer-scripts';
import type { ROOM_SCRIPTS } from './scripts/room-scripts';
import type { ROOM_STATE_SCRIPTS } from './scripts/room-state-scripts';

/** How scripts are asked for news without a cursor. */
const NEWS = { first: '', now: '-' } as const;

/** Rooms on Redis: each method is one script over one room's keys. */
export function redisRooms(redis: RedisConnection, keys: Keys, times: StoreTimes): RoomStore {
  const { messages, bytes } = ROOM_LOG_LIMITS;
  const fixed = () => [redis.publish, messages, bytes, times.keepMs, times.abandonedMs, randomUUID()];
  const spans = `${messages} ${bytes} ${times.keepMs} ${times.abandonedMs}`;
  const run = (
    name: Exclude<keyof typeof ROOM_SCRIPTS, 'append'>,
    room: RoomSessionId,
    ...args: (string | number)[]
  ) => {
    const all = TAKES_PEERS.some((one) => one === name) ? [...keys.room(room), keys.peers(room)] : keys.room(room);
    return redis.run(`room.${name}`, all, [...fixed(), ...args]);
  };
  return {
    ...redisPeers(
      redis,
      keys,
      times,
      (name, room, since) =>
        run(name, room, ...(typeof since === 'string' ? [NEWS[since], 0] : [since.generation, since.n])),
      toMembers,
    ),
    join: async (room, request) => toJoin(request.session, list(await run('join', room, ...toRequest(request)))),
    async rejoin(room, request) {
      const reply = list(await run('join', room, ...toRequest({ ...request, attempt: 0 })));
      return reply[0] === 'not_in' ? undefined : toJoin(request.session, reply);
    },
    async leave(room, session, attempt) {
      const [removed, empty, json, generation, order, note] = list(await run('leave', room, session, attempt ?? ''));
      if (removed !== 1) return { removed: false, empty: false };
      const { foreignSessionId } = JSON.parse(text(json)) as StoredMember; // written by join() above
      const change = { kind: 'left', sessionId: session, order: Number(order), at: notedAt(note) } as const;
      const left = { removed: true, empty: empty === 1, noted: noted(generation, note, change) };
      return { ...left, ...(foreignSessionId ? { foreignSessionId } : {}) };
    },
    async append(room, json, except) {
      const [state] = keys.room(room);
      return (await redis.run('room.append', [state], [redis.publish, json, except, spans])) === 1;
    },
    async read(room, generation, after) {
      const reply = await run('read', room, generation, after);
      if (reply === null) return undefined;
      const [gen, seq, reaches, entries, members, policy, ...extras] = list(reply);
      return {
        generation: text(gen),
        seq: Number(seq),
        entries: reaches === 1 ? texts(entries).map(toEntry) : undefined,
        ...toState(members, extras),
        policy: toPolicy(texts(policy)),
      };
    },
    ...redisMembers(redis, keys),
    async announce(room, generation, policy, members) {
      const reply = await run('announce', room, ...rules(policy), generation, ...members.flatMap(toFields));
      if (reply === null) return undefined;
      const [gen, seq] = list(reply);
      return { generation: text(gen), seq: Number(seq) };
    },
    applyPolicy: async (room, policy) => void (await run('policy', room, ...rules(policy))),
    beginClosing: async (room, force) =>
      (await run('beginClosing', room, force ? 1 : 0)) === 'occupied' ? 'occupied' : 'closing',
    undoClosing: async (room) => void (await run('undoClosing', room)),
    finishClosing: async (room) => void (await run('finishClosing', room, times.tombstoneMs)),
    ...redisRoomState(redis, keys, (name, room, ...args) =>
      redis.run(`room-state.${name}`, keys.room(room), [...fixed(), ...args]),
    ),
  };
}

/** Who is where, read without a script. */
function redisMembers(redis: RedisConnection, keys: Keys): Pick<RoomStore, 'members' | 'member' | 'occupied'> {
  return {
    async members(room) {
      const [, members] = keys.room(room);
      const all = await redis.guard(() => redis.client.hgetall(members));
      return toMembers(Object.entries(all).flat());
    },
    occupied: () => occupiedRooms(redis, keys),
    async member(room, session) {
      const [, members] = keys.room(room);
      const value = await redis.guard(() => redis.client.hget(members, session));
      return value === null ? undefined : toMembers([session, value])[0];
    },
  };
}

type RunState = (
  name: keyof typeof ROOM_STATE_SCRIPTS,
  room: RoomSessionId,
  ...args: (string | number)[]
) => Promise<Reply>;

function redisRoomState(redis: RedisConnection, keys: Keys, run: RunState): RoomStateStore {
  return {
    nextOrder: async (room) => Number(await run('nextOrder', room)),
    setProperties: async (room, { json, order }) => (await run('setProperties', room, order, json)) === 1,
    putDocument: async (room, name, { json, order }) => (await run('putDocument', room, name, order, json)) === 1,
    async document(room, name) {
      const documents = keys.room(room)[6];
      return toOrdered((await redis.guard(() => redis.client.hget(documents, `d:${name}`))) ?? '');
    },
    async patch(room, patches, order) {
      const args = patches.flatMap(({ sessionId, inCall, flags }) => [sessionId, bits(inCall), bits(flags)]);
      const reply = await run('patch', room, order ?? '', ...args);
      return reply === null ? undefined : toMembers(reply);
    },
    async describe(room, { sessionId, order: _order, role: _role, inCall: _inCall, flags: _flags, ...rest }) {
      await run('describe', room, sessionId, JSON.stringify(rest));
    },
    async setTransient(room, key, json, ttlMs) {
      const { keys: most, bytes } = TRANSIENT_LIMITS;
      const answer = await run('setTransient', room, key, json, ttlMs, most, bytes);
      return answer === 1 ? 'set' : answer === -1 ? 'full' : 'nobody';
    },
    removeTransient: async (room, key) => (await run('removeTransient', room, key)) === 1,
    async expire(room) {
      const next = Number(await run('expireDue', room));
      return next < 0 ? undefined : next;
    },
    async restore(room, generation, { properties, transient, documents }) {
      const values = transient.flatMap(({ key, expiresAt, json }) => [key, expiresAt, json]);
      const papers = [...documents].flatMap(([name, { order, json }]) => [name, order, json]);
      const known = properties ? `${properties.order}|${properties.json}` : '';
      await run('restore', room, generation, transient.length, known, ...values, ...papers);
    },
  };
}

/** On a cluster, of every node. */
async function occupiedRooms(redis: RedisConnection, keys: Keys): Promise<RoomSessionId[]> {
  const { client } = redis;
  // A page may repeat what an earlier one had.
  const found = new Set<RoomSessionId>();
  for (const node of client instanceof Cluster ? client.nodes('master') : [client]) {
    let cursor = '0';
    do {
      const from = cursor;
      const page = await redis.guard(() => node.scan(from, 'MATCH', keys.membersOf('*'), 'COUNT', 1_000));
      cursor = page[0];
      for (const key of page[1]) found.add(keys.roomOf(key));
    } while (cursor !== '0');
  }
  return [...found];
}

type StoredMember = Omit<Member, 'sessionId' | 'order' | 'role' | 'inCall' | 'flags'>;

/** A number of bits, or nothing. */
function bits(value: number | undefined): number | '' {
  return value === undefined ? '' : Math.max(0, Math.trunc(value));
}

/** `number|text` */
function toOrdered(value: string): Ordered | undefined {
  const end = value.indexOf('|');
  return end < 0 ? undefined : { order: Number(value.slice(0, end)), json: value.slice(end + 1) };
}

function toState(members: Reply | undefined, [properties, transient]: readonly Reply[]): StoredRoomState {
  const values = pairs(transient).map(([key, value]): StoredTransient => {
    const { order: expiresAt, json } = toOrdered(value) ?? { order: 0, json: 'null' };
    return { key, json, expiresAt };
  });
  return { members: toMembers(members), properties: toOrdered(text(properties)), transient: values };
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

/** What `join` takes. */
function toRequest(request: StoredJoinRequest): (string | number)[] {
  const { policy, session, attempt, role, passwordVersion, passesLock, member, properties = '' } = request;
  const { inCall, flags, ...rest } = member;
  const ask = [session, attempt, role, passwordVersion, passesLock ? 1 : 0];
  const who = [rest.kind, JSON.stringify(rest), bits(inCall), bits(flags)];
  return [...rules(policy), ...ask, ...who, properties, whoOf(rest)];
}

/** What `announce` takes of a member. */
function toFields({ sessionId, order, role, inCall, flags, ...rest }: Member): (string | number)[] {
  return [sessionId, order, role, rest.kind, bits(inCall), bits(flags), JSON.stringify(rest), whoOf(rest)];
}

function toJoin(
  session: SessionId,
  [kind, generation, seq, again, note, members, ...extras]: readonly Reply[],
): StoredJoin {
  if (kind === 'room_closing' || kind === 'room_locked' || kind === 'wrong_password' || kind === 'room_full') {
    return { kind: 'refused', code: kind };
  }
  const state = toState(members, extras);
  const self = again === '1' ? undefined : state.members.find(({ sessionId }) => sessionId === session);
  const change = self && ({ kind: 'joined', presence: presenceOf(self) } as const);
  return {
    kind: 'joined',
    generation: text(generation),
    seq: Number(seq),
    first: state.members.length === 1,
    again: again === '1',
    ...(change ? { noted: noted(generation, note, change) } : {}),
    ...state,
  };
}

const MEMBER = /^(\d+)\|(\w+)\|\d+\|\w+\|(\d*)\|(\d*)\|\d+\|(.*)$/s;

/** `order|role|attempt|kind|inCall|flags|patched|json` by session. */
function toMembers(reply: Reply | undefined): Member[] {
  const members = pairs(reply).map(([id, value]) => {
    const [, order = '', role = '', inCall = '', flags = '', json = '{}'] = MEMBER.exec(value) ?? [];
    const rest = JSON.parse(json) as StoredMember; // written by join() above
    const known: Role = role === 'host' ? 'host' : 'guest';
    const member = { ...rest, sessionId: brandAs<SessionId>(id), order: Number(order), role: known };
    const call = inCall === '' ? {} : { inCall: Number(inCall) };
    return { ...member, ...call, ...(flags === '' ? {} : { flags: Number(flags) }) };
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
