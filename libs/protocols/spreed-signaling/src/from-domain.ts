import type { CoreEvent, JsonObject, Member, MessageEvent, RoomListEvent, TransientEvent } from '@parley/domain';
import { DIALECT } from './features';
import { Frame, frameOf } from './frame';

/** A participant as join and change events show it (section "Room events"; `roomsessionid`, `features` as newer servers). */
export function sessionObject(member: Member): JsonObject {
  const user = member.user ?? (member.displayName === undefined ? undefined : { displayname: member.displayName });
  return {
    sessionid: member.sessionId,
    userid: member.userId,
    ...(user === undefined ? {} : { user }),
    ...(member.features?.length ? { features: [...member.features] } : {}),
    ...(member.kind === 'federation' ? { federated: true } : {}),
    // Rooms of a foreign backend have its own idea of moderators; ours tell who the host is (an addition).
    ...(member.foreignSessionId === undefined ? { role: member.role } : { roomsessionid: member.foreignSessionId }),
  };
}

/** `room/join` with these participants. */
export function joinFrame(members: readonly Member[]): Frame {
  return roomEvent('join', members.map(sessionObject));
}

/** The `room` object, as an answer (with id) or pushed (without). */
export function roomFrame(id: string | undefined, roomId: string, properties?: JsonObject): Frame {
  return frameOf({ id, type: 'room', room: { roomid: roomId, properties } });
}

/** `bye`: the object is there only with a reason (brief 2.4). */
export function byeFrame(id: string | undefined, reason?: string): Frame {
  return frameOf({ id, type: 'bye', bye: reason === undefined ? undefined : { reason } });
}

function roomEvent(type: 'join' | 'leave' | 'change', list: unknown[]): Frame {
  return frameOf({ type: 'event', event: { target: 'room', type, [type]: list } });
}

/** `sender` is always there: real clients read it without a check. `data` is put in as the sender wrote it. */
function messageFrame(event: MessageEvent): Frame {
  const { sessionId, userId } = event.sender;
  const sender = JSON.stringify({ type: event.addressed, sessionid: sessionId, userid: userId || undefined });
  return new Frame(`{"type":"${event.channel}","${event.channel}":{"sender":${sender},"data":${event.raw}}}`);
}

/**
 * The frame that tells a client of an event, made once per event however many clients hear of it. `roomId` is the name
 * the client knows its room by.
 */
export class EventFrames {
  private readonly known = new WeakMap<CoreEvent, Frame>();

  /** Undefined when clients of this protocol are not told. */
  of(event: CoreEvent, roomId: string): Frame | undefined {
    // These depend on the name the receiver knows its room by; rare, so not remembered.
    const named = encodeWithRoom(event, roomId);
    if (named) return named;
    const known = this.known.get(event);
    if (known) return known;
    const made = encodeEvent(event);
    if (made) this.known.set(event, made);
    return made;
  }
}

/** Events whose frame names the receiver's room. */
function encodeWithRoom(event: CoreEvent, roomid: string): Frame | undefined {
  switch (event.kind) {
    case 'room-changed':
      return roomFrame(undefined, roomid, event.properties);
    case 'participants':
      return eventFrame('participants', 'update', { roomid, users: event.users });
    case 'all-in-call':
      return eventFrame('participants', 'update', { roomid, incall: event.inCall, all: true });
    case 'flags':
      return eventFrame('participants', 'flags', { roomid, sessionid: event.sessionId, flags: event.flags });
    case 'announcement':
      return eventFrame('room', 'message', { roomid, data: event.data });
    default:
      return undefined;
  }
}

/** `event`, whose payload has the name of its type. */
function eventFrame(target: 'room' | 'roomlist' | 'participants', type: string, payload: object): Frame {
  return frameOf({ type: 'event', event: { target, type, [type]: payload } });
}

/** Single objects, not lists (brief 2.8); a withdrawn invitation has a reason instead of properties. */
function roomListFrame({ change, roomName, properties, reason }: RoomListEvent): Frame {
  const type = { invited: 'invite', disinvited: 'disinvite', updated: 'update' }[change];
  return eventFrame('roomlist', type, { roomid: roomName, properties, reason });
}

function transientFrame({ change, key, value, oldValue }: TransientEvent): Frame {
  return frameOf({ type: 'transient', transient: { type: change, key, value, oldvalue: oldValue } });
}

function encodeEvent(event: CoreEvent): Frame | undefined {
  switch (event.kind) {
    case 'message':
      // Messages of other protocols are translated once there is one that writes any.
      return event.dialect === DIALECT ? messageFrame(event) : undefined;
    case 'joined':
      return joinFrame(event.members);
    case 'left':
      return roomEvent('leave', [...event.sessionIds]);
    case 'changed':
      return roomEvent('change', event.members.map(sessionObject));
    case 'room-closed':
      return roomFrame(undefined, '');
    case 'kicked':
      return byeFrame(undefined, 'kicked');
    case 'room-list':
      return roomListFrame(event);
    case 'moved':
      return eventFrame('room', 'switchto', { roomid: event.roomName, details: event.details });
    case 'transient':
      return transientFrame(event);
    case 'room-changed':
    case 'participants':
    case 'all-in-call':
    case 'flags':
    case 'announcement':
      return undefined; // see encodeWithRoom
    case 'notice':
      return frameOf({ type: event.topic, [event.topic]: event.data });
    case 'permissions':
    case 'ask':
      return undefined; // for the driver
  }
}
