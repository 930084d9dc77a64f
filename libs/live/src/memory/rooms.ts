import type { CoreEvent, DoorPolicy, Member, Role, RoomSessionId, SessionId } from '@parley/domain';
import { ROOM_LOG_LIMITS, type StoreTimes } from '../limits';
import { presenceOf } from '../peers';
import { documentOf } from '../room-port';
import type { RoomStateStore, StoredRoomState } from '../state-store';
import type { Leaving, PeerStore, RoomStore, StoredChange, StoredJoin, StoredJoinRequest } from '../store';
import { encodeRoomSignal } from '../wire';
import type { MemoryLiveHub } from './hub';
import { MemoryLog } from './log';
import { memoryPeers, notePeer } from './peers';
import { dropTransient, expireTransient, memoryRoomState, setProperties } from './room-extras';
import type { RoomState } from './room-state';

/** Rooms in memory; what the scripts in redis/ do, in the same order. */
export function memoryRooms(hub: MemoryLiveHub, times: StoreTimes): RoomStore {
  const rooms = new MemoryRooms(hub, times);
  return {
    ...memoryMembers(hub, rooms),
    ...memoryDoor(hub, rooms),
    ...memoryRoomState(hub, rooms),
    ...memoryPeers(hub, rooms, times),
  };
}

function memoryMembers(
  hub: MemoryLiveHub,
  rooms: MemoryRooms,
): Omit<RoomStore, keyof ReturnType<typeof memoryDoor> | keyof RoomStateStore | keyof PeerStore> {
  return {
    join: (room, request) => hub.run(() => rooms.join(room, request)),
    rejoin: (room, request) => hub.run(() => rooms.rejoin(room, request)),
    leave: (room, session, attempt) => hub.run(() => rooms.leave(room, session, attempt)),
    append: (room, json, except) =>
      hub.run(() => {
        const state = rooms.open(room);
        if (state) rooms.append(room, state, json, except);
        return state !== undefined;
      }),
    read: (room, generation, after) =>
      hub.run(() => {
        const state = hub.rooms.get(room);
        if (!state) return undefined;
        expireTransient(hub, rooms, room, state);
        const entries = state.log.after(state.generation === generation ? after : 0);
        return { ...state, seq: state.log.seq, entries, ...storedState(state) };
      }),
    members: (room) =>
      hub.run(() => {
        const state = hub.rooms.get(room);
        return state ? membersOf(state) : [];
      }),
    occupied: () => hub.run(() => [...hub.rooms].flatMap(([room, { members }]) => (members.size > 0 ? [room] : []))),
    member: (room, session) => hub.run(() => hub.rooms.get(room)?.members.get(session)?.member),
    announce: (room, generation, policy, members) =>
      hub.run(() => {
        const state = rooms.ensure(room);
        if (state.closed) return undefined;
        rooms.applyPolicy(room, state, policy);
        if (state.generation !== generation) rooms.restore(room, state, members);
        return { generation: state.generation, seq: state.log.seq };
      }),
  };
}

function memoryDoor(
  hub: MemoryLiveHub,
  rooms: MemoryRooms,
): Pick<RoomStore, 'applyPolicy' | 'beginClosing' | 'undoClosing' | 'finishClosing'> {
  return {
    applyPolicy: (room, policy) =>
      hub.run(() => {
        const state = rooms.ensure(room);
        if (!state.closed) rooms.applyPolicy(room, state, policy);
      }),
    beginClosing: (room, force) =>
      hub.run(() => {
        const state = rooms.ensure(room);
        if (!state.closing && !force && state.members.size > 0) return 'occupied';
        state.closing = true;
        return 'closing';
      }),
    undoClosing: (room) =>
      hub.run(() => {
        const state = rooms.open(room);
        if (state) state.closing = false;
      }),
    finishClosing: (room) =>
      hub.run(() => {
        const state = rooms.ensure(room);
        if (state.closed) return;
        for (const member of membersOf(state)) rooms.noteLeft(state, member);
        rooms.tell(room, state, { kind: 'room-closed' });
        Object.assign(state, { closed: true, closing: true });
        for (const map of [state.members, state.documents, state.transient]) map.clear();
        state.properties = undefined;
      }),
  };
}

export class MemoryRooms {
  constructor(
    private readonly hub: MemoryLiveHub,
    private readonly times: StoreTimes,
  ) {}

  open(room: RoomSessionId): RoomState | undefined {
    const state = this.hub.rooms.get(room);
    return state?.closed ? undefined : state;
  }

  ensure(room: RoomSessionId): RoomState {
    const known = this.hub.rooms.get(room);
    if (known) return known;
    const fresh: RoomState = {
      generation: this.hub.unique(),
      born: this.hub.now(),
      peers: { count: 0, kept: [] },
      log: new MemoryLog(),
      members: new Map(),
      policy: undefined,
      closing: false,
      closed: false,
      lastOrder: 0,
      serial: 0,
      properties: undefined,
      documents: new Map(),
      transient: new Map(),
    };
    this.hub.rooms.set(room, fresh);
    return fresh;
  }

  append(room: RoomSessionId, state: RoomState, json: string, except = ''): void {
    const { seq } = state.log.add(json, this.hub.now(), except);
    state.log.trim(ROOM_LOG_LIMITS, Number.POSITIVE_INFINITY, this.hub.now() - this.times.keepMs);
    this.hub.publish(`r:${room}`, encodeRoomSignal({ generation: state.generation, seq, except, json }));
  }

  tell(room: RoomSessionId, state: RoomState, event: CoreEvent, except = ''): void {
    this.append(room, state, JSON.stringify(event), except);
  }

  applyPolicy(room: RoomSessionId, state: RoomState, policy: DoorPolicy): void {
    const before = state.policy;
    if (before && before.version >= policy.version) return;
    state.policy = policy;
    const { locked, type } = policy;
    if (before && (before.locked !== locked || before.type !== type)) {
      this.tell(room, state, { kind: 'room-changed', properties: { locked, type } });
    }
  }

  join(room: RoomSessionId, request: StoredJoinRequest): StoredJoin {
    const state = this.ensure(room);
    if (state.closing) return { kind: 'refused', code: 'room_closing' };
    this.applyPolicy(room, state, request.policy);
    expireTransient(this.hub, this, room, state);
    const present = state.members.get(request.session);
    if (present) {
      this.adopt(room, state, request);
      if (request.attempt === 0 || request.attempt >= present.attempt) {
        present.attempt = request.attempt || present.attempt;
        present.member = { ...request.member, ...lasting(present.member) };
      }
      return this.admitted(state, true);
    }
    const policy = state.policy ?? request.policy;
    const code = refusal(state, policy, request);
    if (code) return { kind: 'refused', code };
    this.adopt(room, state, request);
    const role = request.role === 'by-arrival' ? this.roleByArrival(state, policy) : request.role;
    state.lastOrder = Math.max(state.lastOrder + 1, this.hub.now());
    const member: Member = { ...request.member, sessionId: request.session, order: state.lastOrder, role };
    state.members.set(request.session, { member, attempt: request.attempt, patched: 0 });
    const noted = this.noteJoined(state, member);
    this.tell(room, state, { kind: 'joined', members: [member] });
    return { ...this.admitted(state, false), noted };
  }

  rejoin(room: RoomSessionId, request: Omit<StoredJoinRequest, 'attempt'>): StoredJoin | undefined {
    const state = this.ensure(room);
    if (!state.closing && !state.members.has(request.session)) {
      this.applyPolicy(room, state, request.policy);
      expireTransient(this.hub, this, room, state);
      return undefined;
    }
    return this.join(room, { ...request, attempt: 0 });
  }

  leave(room: RoomSessionId, session: SessionId, attempt?: number): Leaving {
    const state = this.open(room);
    const present = state?.members.get(session);
    const isOther = attempt !== undefined && present?.attempt !== attempt && present?.attempt !== 0;
    if (!state || !present || isOther) {
      return { removed: false, empty: false };
    }
    state.members.delete(session);
    const noted = this.noteLeft(state, present.member);
    this.tell(room, state, { kind: 'left', sessionIds: [session] });
    if (present.member.role === 'host' && !state.policy?.hasHostKey) this.promote(room, state);
    if (state.members.size === 0) state.transient.clear();
    dropTransient(this, room, state, `sd:${session}`);
    state.documents.delete(documentOf(session));
    const { foreignSessionId } = present.member;
    return {
      removed: true,
      empty: state.members.size === 0,
      noted,
      ...(foreignSessionId ? { foreignSessionId } : {}),
    };
  }

  restore(room: RoomSessionId, state: RoomState, members: readonly Member[]): void {
    const missing = members.filter((member) => !state.members.has(member.sessionId));
    for (const member of missing) {
      const role = member.role === 'host' ? this.hostAgain(room, state, member) : member.role;
      state.members.set(member.sessionId, { member: { ...member, role }, attempt: 0, patched: 0 });
      state.lastOrder = Math.max(state.lastOrder, member.order);
      this.noteJoined(state, { ...member, role });
      this.tell(room, state, { kind: 'joined', members: [{ ...member, role }] });
    }
  }

  noteLeft(state: RoomState, { sessionId, order }: Member): StoredChange {
    return notePeer(this.hub, state, { kind: 'left', sessionId, order, at: new Date(this.hub.now()) });
  }

  private noteJoined(state: RoomState, member: Member): StoredChange {
    return notePeer(this.hub, state, { kind: 'joined', presence: presenceOf(member) });
  }

  private adopt(room: RoomSessionId, state: RoomState, { properties: json }: StoredJoinRequest): void {
    if (json !== undefined && !state.properties) setProperties(this, room, state, { json, order: 0 });
  }

  private admitted(state: RoomState, again: boolean): Extract<StoredJoin, { kind: 'joined' }> {
    const { generation, log, members } = state;
    return { kind: 'joined', generation, seq: log.seq, first: members.size === 1, again, ...storedState(state) };
  }

  private roleByArrival(state: RoomState, policy: DoorPolicy): Role {
    return !policy.hasHostKey && !hostOf(state) ? 'host' : 'guest';
  }

  /** The longest present person follows; services of the operator do not lead a room. */
  private promote(room: RoomSessionId, state: RoomState): void {
    if (hostOf(state)) return;
    const next = membersOf(state).find((member) => member.kind === 'client' || member.kind === 'federation');
    if (next) this.setRole(room, state, next, 'host');
  }

  /** Without a host key there is one host: of two, the one who was there first. */
  private hostAgain(room: RoomSessionId, state: RoomState, member: Member): Role {
    const other = hostOf(state);
    if (!other || state.policy?.hasHostKey) return 'host';
    if (other.order < member.order) return 'guest';
    this.setRole(room, state, other, 'guest');
    return 'host';
  }

  private setRole(room: RoomSessionId, state: RoomState, member: Member, role: Role): void {
    const present = state.members.get(member.sessionId);
    if (!present) return;
    present.member = { ...present.member, role };
    this.tell(room, state, { kind: 'changed', members: [present.member] });
  }
}

function refusal(
  state: RoomState,
  policy: DoorPolicy,
  request: StoredJoinRequest,
): 'room_locked' | 'wrong_password' | 'room_full' | undefined {
  if (policy.locked && !request.passesLock) return 'room_locked';
  if (request.passwordVersion !== 'exempt' && request.passwordVersion !== policy.passwordVersion) {
    return 'wrong_password';
  }
  return state.members.size >= policy.capacity ? 'room_full' : undefined;
}

function hostOf(state: RoomState): Member | undefined {
  return membersOf(state).find((member) => member.role === 'host');
}

/** What a member keeps when it joins the room it is in once more. */
function lasting({ sessionId, order, role, inCall, flags }: Member): Pick<Member, 'sessionId' | 'order' | 'role'> {
  const call = inCall === undefined ? {} : { inCall };
  return { sessionId, order, role, ...call, ...(flags === undefined ? {} : { flags }) };
}

function storedState(state: RoomState): StoredRoomState {
  const transient = [...state.transient].map(([key, value]) => ({ key, ...value }));
  return { members: membersOf(state), properties: state.properties, transient };
}

export function membersOf(state: RoomState): Member[] {
  return [...state.members.values()].map(({ member }) => member).sort((a, b) => a.order - b.order);
}
