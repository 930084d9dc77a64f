import type { JsonObject, JsonValue, Member, RoomSessionId, TransientEvent } from '@parley/domain';
import { TRANSIENT_LIMITS } from '../limits';
import { ownerOfDocument, type MemberPatch } from '../room-port';
import type { Ordered, RoomKeepsakes, RoomStateStore } from '../state-store';
import type { MemoryLiveHub } from './hub';
import { membersOf, type MemoryRooms } from './rooms';
import type { RoomState } from './room-state';

const NOBODY = '*';

/** What rooms hold besides members, in memory; what the scripts in redis/ do, in the same order. */
export function memoryRoomState(hub: MemoryLiveHub, rooms: MemoryRooms): RoomStateStore {
  return { ...memoryOrdered(hub, rooms), ...memoryTransient(hub, rooms) };
}

function memoryOrdered(
  hub: MemoryLiveHub,
  rooms: MemoryRooms,
): Pick<RoomStateStore, 'nextOrder' | 'setProperties' | 'putDocument' | 'document' | 'patch' | 'describe'> {
  return {
    nextOrder: (room) =>
      hub.run(() => {
        const state = rooms.ensure(room);
        state.serial = Math.max(state.serial + 1, hub.now());
        return state.serial;
      }),
    setProperties: (room, properties) =>
      hub.run(() => {
        const state = rooms.ensure(room);
        return !state.closed && setProperties(rooms, room, state, properties);
      }),
    putDocument: (room, name, document) =>
      hub.run(() => {
        const state = rooms.ensure(room);
        if (state.closed || !isNewer(state.documents.get(name), document)) return false;
        const owner = ownerOfDocument(name);
        if (owner !== undefined && !state.members.has(owner)) return false;
        state.documents.set(name, document);
        return true;
      }),
    document: (room, name) => hub.run(() => rooms.open(room)?.documents.get(name)),
    patch: (room, patches, order) =>
      hub.run(() => {
        const state = rooms.open(room);
        if (!state || state.members.size === 0) return undefined;
        const members = patches.flatMap((patch) => patchMember(state, patch, order) ?? []);
        if (members.length > 0) rooms.tell(room, state, { kind: 'changed', members }, NOBODY);
        return membersOf(state);
      }),
    describe: (room, described) =>
      hub.run(() => {
        const state = rooms.open(room);
        const known = state?.members.get(described.sessionId);
        if (!state || !known) return;
        const { userId, user, foreignSessionId } = described;
        const who = { userId, ...(user ? { user } : {}), ...(foreignSessionId ? { foreignSessionId } : {}) };
        const member: Member = { ...known.member, ...who };
        if (JSON.stringify(member) === JSON.stringify(known.member)) return;
        known.member = member;
        rooms.tell(room, state, { kind: 'changed', members: [member] });
      }),
  };
}

function memoryTransient(
  hub: MemoryLiveHub,
  rooms: MemoryRooms,
): Pick<RoomStateStore, 'setTransient' | 'removeTransient' | 'expire' | 'restore'> {
  const occupied = (room: RoomSessionId) => {
    const state = rooms.open(room);
    if (!state || state.members.size === 0) return undefined;
    expireTransient(hub, rooms, room, state);
    return state;
  };
  return {
    setTransient: (room, key, json, ttlMs) =>
      hub.run(() => {
        const state = occupied(room);
        if (!state) return 'nobody';
        if (!fits(state, key, json)) return 'full';
        setTransient(rooms, room, state, key, { json, expiresAt: ttlMs > 0 ? hub.now() + ttlMs : 0 });
        return 'set';
      }),
    removeTransient: (room, key) =>
      hub.run(() => {
        const state = occupied(room);
        if (state) dropTransient(rooms, room, state, key);
        return state !== undefined;
      }),
    expire: (room) =>
      hub.run(() => {
        const state = rooms.open(room);
        if (!state) return undefined;
        expireTransient(hub, rooms, room, state);
        const dates = [...state.transient.values()].flatMap(({ expiresAt }) => (expiresAt > 0 ? [expiresAt] : []));
        return dates.length > 0 ? Math.max(0, Math.min(...dates) - hub.now()) : undefined;
      }),
    restore: (room, generation, kept) =>
      hub.run(() => {
        const state = rooms.open(room);
        if (state?.generation === generation) restore(hub, rooms, room, state, kept);
      }),
  };
}

/** Takes only newer ones; true when they differ. */
export function setProperties(rooms: MemoryRooms, room: RoomSessionId, state: RoomState, properties: Ordered): boolean {
  const before = state.properties;
  if (!isNewer(before, properties)) return false;
  state.properties = properties;
  if (before?.json === properties.json) return false;
  const { json, order } = properties;
  rooms.tell(room, state, { kind: 'room-changed', properties: JSON.parse(json) as JsonObject, order });
  return true;
}

function setTransient(
  rooms: MemoryRooms,
  room: RoomSessionId,
  state: RoomState,
  key: string,
  value: { json: string; expiresAt: number },
): void {
  const before = state.transient.get(key);
  state.transient.set(key, value);
  const same = before?.json === value.json;
  if (same && before.expiresAt === value.expiresAt) return;
  const event: TransientEvent = {
    kind: 'transient',
    change: 'set',
    key,
    value: JSON.parse(value.json) as JsonValue,
    ...(before ? { oldValue: JSON.parse(before.json) as JsonValue } : {}),
    ...(value.expiresAt > 0 ? { expiresAt: value.expiresAt } : {}),
  };
  rooms.tell(room, state, event, same ? NOBODY : '');
}

function fits({ transient }: RoomState, key: string, json: string): boolean {
  const known = transient.get(key);
  if (!known && transient.size >= TRANSIENT_LIMITS.keys) return false;
  const weights = [...transient].map(([name, value]) => Buffer.byteLength(name) + Buffer.byteLength(value.json));
  const before = known ? Buffer.byteLength(known.json) : -Buffer.byteLength(key);
  const more = Buffer.byteLength(json) - before;
  return more <= 0 || weights.reduce((sum, weight) => sum + weight, 0) + more <= TRANSIENT_LIMITS.bytes;
}

/** Removes a transient value, if there is one, and tells. */
export function dropTransient(rooms: MemoryRooms, room: RoomSessionId, state: RoomState, key: string): void {
  const before = state.transient.get(key);
  if (!before) return;
  state.transient.delete(key);
  const oldValue = JSON.parse(before.json) as JsonValue;
  rooms.tell(room, state, { kind: 'transient', change: 'remove', key, oldValue });
}

/** Removes what has expired and tells. */
export function expireTransient(hub: MemoryLiveHub, rooms: MemoryRooms, room: RoomSessionId, state: RoomState): void {
  const now = hub.now();
  for (const [key, { expiresAt }] of state.transient) {
    if (expiresAt > 0 && expiresAt <= now) dropTransient(rooms, room, state, key);
  }
}

function restore(
  hub: MemoryLiveHub,
  rooms: MemoryRooms,
  room: RoomSessionId,
  state: RoomState,
  { properties, transient, documents }: RoomKeepsakes,
): void {
  if (properties) setProperties(rooms, room, state, properties);
  for (const [name, document] of documents) {
    if (isNewer(state.documents.get(name), document)) state.documents.set(name, document);
  }
  if (state.members.size === 0) return;
  for (const { key, json, expiresAt } of transient) {
    if (!state.transient.has(key)) setTransient(rooms, room, state, key, { json, expiresAt });
  }
  expireTransient(hub, rooms, room, state);
}

function isNewer(known: Ordered | undefined, given: Ordered): boolean {
  return !known || known.order < given.order;
}

/** The member as it is now, if something of it changed. */
function patchMember(
  state: RoomState,
  { sessionId, inCall, flags }: MemberPatch,
  order: number | undefined,
): Member | undefined {
  const present = state.members.get(sessionId);
  if (!present || (order ?? Number.POSITIVE_INFINITY) < present.patched) return undefined;
  present.patched = order ?? present.patched;
  const { member } = present;
  const next = { inCall: inCall ?? member.inCall, flags: flags ?? member.flags };
  if (next.inCall === member.inCall && next.flags === member.flags) return undefined;
  const call = next.inCall === undefined ? {} : { inCall: next.inCall };
  present.member = { ...member, ...call, ...(next.flags === undefined ? {} : { flags: next.flags }) };
  return present.member;
}
