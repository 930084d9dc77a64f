import type { JsonObject, JsonValue } from '@parley/domain';
import { withStringsAt } from '../raw-member';
import { isObject, localAnnouncement, withLocalActors } from './chat';
import type { FederationNames } from './names';
import { editOf, sessionsInPayload } from './own-ids';

/**
 * A frame of the other cluster as this side's client is to read it. Payloads of other clients keep their bytes, but for
 * the ids in them.
 * @param text valid JSON
 */
export function localFrame(text: string, names: FederationNames): string {
  const frame = JSON.parse(text) as JsonValue;
  if (!isObject(frame)) return text;
  switch (frame.type) {
    case 'message':
    case 'control':
      return localMessage(text, frame, frame.type, names);
    case 'room':
      return isObject(frame.room) ? JSON.stringify({ ...frame, room: withLocalRoom(frame.room, names) }) : text;
    case 'event':
      return isObject(frame.event) ? JSON.stringify({ ...frame, event: localEvent(frame.event, names) }) : text;
    case 'transient':
      return isObject(frame.transient) ? localTransient(text, frame, frame.transient, names) : text;
    case 'error':
      return isObject(frame.error) ? JSON.stringify({ ...frame, error: localError(frame.error, names) }) : text;
    default:
      return text;
  }
}

/** An error of the other cluster; `already_joined` names the room. */
export function localError(error: JsonObject, names: FederationNames): JsonObject {
  const { details } = error;
  if (!isObject(details)) return error;
  const { room } = details;
  const renamed = withLocalRoom(details, names);
  return { ...error, details: isObject(room) ? { ...renamed, room: withLocalRoom(room, names) } : renamed };
}

function localMessage(text: string, frame: JsonObject, type: 'message' | 'control', names: FederationNames): string {
  const message = frame[type];
  if (!isObject(message)) return text;
  const rename = (id: string) => names.localSession(id);
  const { sender, recipient, data } = message;
  return withStringsAt(text, [
    ...editOf(isObject(sender) ? sender.sessionid : undefined, [type, 'sender', 'sessionid'], rename),
    ...editOf(isObject(recipient) ? recipient.sessionid : undefined, [type, 'recipient', 'sessionid'], rename),
    ...sessionsInPayload(data, [type, 'data'], rename),
  ]);
}

function localTransient(text: string, frame: JsonObject, transient: JsonObject, names: FederationNames): string {
  const { data, key } = transient;
  if (transient.type !== 'initial' || !isObject(data)) {
    return withStringsAt(
      text,
      editOf(key, ['transient', 'key'], (name) => names.localKey(name)),
    );
  }
  const renamed = Object.fromEntries(Object.entries(data).map(([name, value]) => [names.localKey(name), value]));
  return JSON.stringify({ ...frame, transient: { ...transient, data: renamed } });
}

/** The payload of an event has the name of its type. */
function localEvent(event: JsonObject, names: FederationNames): JsonObject {
  const { target, type } = event;
  if (typeof type !== 'string') return event;
  const payload = event[type];
  if (Array.isArray(payload)) return { ...event, [type]: payload.map((entry) => localSessionEntry(entry, names)) };
  if (!isObject(payload)) return event;
  const renamed = withLocalRoom(payload, names);
  if (target === 'room' && type === 'message') {
    const { data } = payload;
    return { ...event, message: data === undefined ? renamed : { ...renamed, data: localAnnouncement(data, names) } };
  }
  if (target !== 'participants') return { ...event, [type]: renamed };
  const shown = withLocalSession(renamed, 'sessionid', names);
  const lists = ['users', 'changed'].flatMap((key) => {
    const list = payload[key];
    return Array.isArray(list) ? [[key, list.map((user) => localUser(user, names))] as const] : [];
  });
  return { ...event, [type]: { ...shown, ...Object.fromEntries(lists) } };
}

/** An entry of `join` or `change`, or an id of `leave`. */
function localSessionEntry(entry: JsonValue, names: FederationNames): JsonValue {
  if (typeof entry === 'string') return names.localSession(entry);
  return isObject(entry) ? withLocalSession(entry, 'sessionid', names) : entry;
}

function localUser(user: JsonValue, names: FederationNames): JsonValue {
  if (!isObject(user)) return user;
  return withLocalSession(withLocalSession(withLocalActors(user, names), 'sessionId', names), 'sessionid', names);
}

function withLocalSession(entry: JsonObject, key: 'sessionid' | 'sessionId', names: FederationNames): JsonObject {
  const id = entry[key];
  return typeof id === 'string' ? { ...entry, [key]: names.localSession(id) } : entry;
}

function withLocalRoom(entry: JsonObject, names: FederationNames): JsonObject {
  const { roomid } = entry;
  return typeof roomid === 'string' ? { ...entry, roomid: names.localRoom(roomid) } : entry;
}
