import type { CoreEvent, JsonObject, Member, MessageEvent } from '@parley/domain';
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
    // Depends on the receiver's room; rare, so not remembered.
    if (event.kind === 'room-changed') return roomFrame(undefined, roomId, event.properties);
    const known = this.known.get(event);
    if (known) return known;
    const made = encodeEvent(event);
    if (made) this.known.set(event, made);
    return made;
  }
}

function encodeEvent(event: Exclude<CoreEvent, { kind: 'room-changed' }>): Frame | undefined {
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
  }
}
