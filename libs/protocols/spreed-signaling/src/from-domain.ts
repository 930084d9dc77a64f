import type { JsonObject, Member, MessageEvent, SessionId } from '@parley/domain';
import { Frame, frameOf } from './frame';

/** A participant as join and change events show it (section "Room events"; `roomsessionid`, `features` as newer servers). */
export function sessionObject(member: Member, hidesNames = false): JsonObject {
  const user = hidesNames ? withoutName(member.user) : userOf(member);
  return {
    sessionid: member.sessionId,
    userid: member.userId,
    ...(user === undefined ? {} : { user }),
    ...(member.features?.length ? { features: [...member.features] } : {}),
    ...(member.kind === 'federation' ? { federated: true } : {}),
    ...foreignOrRole(member),
  };
}

function userOf({ user, displayName }: Member): JsonObject | undefined {
  return user ?? (displayName === undefined ? undefined : { displayname: displayName });
}

/** Undefined when nothing else is known of the user. */
function withoutName(user: JsonObject | undefined): JsonObject | undefined {
  const { displayname: _hidden, ...rest } = user ?? {};
  return Object.keys(rest).length > 0 ? rest : undefined;
}

function foreignOrRole({ kind, role, foreignSessionId }: Member): JsonObject {
  // A virtual session has no presence of its own at the backend, only a name for requests.
  if (kind === 'virtual') return {};
  // Rooms of a foreign backend have its own idea of moderators; ours tell who the host is (an addition).
  return foreignSessionId === undefined ? { role } : { roomsessionid: foreignSessionId };
}

/** `room/join` with these participants. */
export function joinFrame(members: readonly Member[], hidesNames = false): Frame {
  return eventFrame('room', 'join', sessionObjects(members, hidesNames));
}

/** `room/change` with participants as they are now. */
export function changeFrame(members: readonly Member[], hidesNames = false): Frame {
  return eventFrame('room', 'change', sessionObjects(members, hidesNames));
}

function sessionObjects(members: readonly Member[], hidesNames: boolean): JsonObject[] {
  return members.map((member) => sessionObject(member, hidesNames));
}

/** `room/leave`. */
export function leaveFrame(sessionIds: readonly SessionId[]): Frame {
  return eventFrame('room', 'leave', sessionIds);
}

/** `participants/flags` of a virtual session. */
export function flagsFrame(roomId: string, sessionId: SessionId, flags: number): Frame {
  return eventFrame('participants', 'flags', { roomid: roomId, sessionid: sessionId, flags });
}

/** The `room` object, as an answer (with id) or pushed (without). */
export function roomFrame(id: string | undefined, roomId: string, properties?: JsonObject): Frame {
  return frameOf({ id, type: 'room', room: { roomid: roomId, properties } });
}

/** `bye`: the object is there only with a reason (brief 2.4). */
export function byeFrame(id: string | undefined, reason?: string): Frame {
  return frameOf({ id, type: 'bye', bye: reason === undefined ? undefined : { reason } });
}

/** `event`, whose payload has the name of its type. */
export function eventFrame(
  target: 'room' | 'roomlist' | 'participants' | 'webhook',
  type: string,
  payload: object,
): Frame {
  return frameOf({ type: 'event', event: { target, type, [type]: payload } });
}

/**
 * `sender` is always there: real clients read it without a check. `data` is put in as the sender wrote it.
 * @param chosenId the id an internal client chose for the virtual session that this was meant for
 */
export function messageFrame(event: MessageEvent, chosenId?: string): Frame {
  const { sessionId, userId } = event.sender;
  const user = userId ? `,"userid":${JSON.stringify(userId)}` : '';
  const sender = `{"type":"${event.addressed}","sessionid":${JSON.stringify(sessionId)}${user}}`;
  const to = chosenId === undefined ? '' : `"recipient":${JSON.stringify({ type: 'session', sessionid: chosenId })},`;
  return new Frame(`{"type":"${event.channel}","${event.channel}":{"sender":${sender},${to}"data":${event.raw}}}`);
}
