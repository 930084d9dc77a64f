import type { JsonObject, JsonValue } from '@parley/domain';
import type { FederationNames } from './names';

/** Members of a chat comment that name somebody, as pairs of kind and id. */
const ACTORS = [
  ['actorType', 'actorId'],
  ['lastEditActorType', 'lastEditActorId'],
] as const;

/** Replies quote replies, but not without end. */
const MAX_QUOTES = 4;

/** An object whose `actorType` and `actorId` are read on this side. */
export function withLocalActors(entry: JsonObject, names: FederationNames): JsonObject {
  const result = { ...entry };
  for (const [typeKey, idKey] of ACTORS) {
    const { [typeKey]: type, [idKey]: id } = entry;
    if (typeof type !== 'string' || typeof id !== 'string') continue;
    const actor = names.localActor({ type, id });
    result[typeKey] = actor.type;
    result[idKey] = actor.id;
  }
  return result;
}

/** What the room's backend announces, as a client of this side understands it: only chat names anybody. */
export function localAnnouncement(data: JsonValue, names: FederationNames): JsonValue {
  if (!isObject(data) || data.type !== 'chat' || !isObject(data.chat)) return data;
  const { comment, comments } = data.chat;
  const chat = { ...data.chat };
  if (isObject(comment)) chat.comment = localComment(comment, names);
  if (Array.isArray(comments)) {
    chat.comments = comments.map((each) => (isObject(each) ? localComment(each, names) : each));
  }
  return { ...data, chat };
}

function localComment(comment: JsonObject, names: FederationNames, depth = 0): JsonObject {
  const result = withLocalActors(comment, names);
  const { token, messageParameters, parent } = comment;
  if (typeof token === 'string') result.token = names.localRoom(token);
  if (isObject(messageParameters)) {
    result.messageParameters = Object.fromEntries(
      Object.entries(messageParameters).map(([key, value]) => [
        key,
        isObject(value) ? localParameter(key, value, names) : value,
      ]),
    );
  }
  if (isObject(parent) && depth < MAX_QUOTES) result.parent = localComment(parent, names, depth + 1);
  return result;
}

/**
 * Somebody (or something) in a text. A mention of somebody over there can be written again only by the id it has there,
 * which newer backends name themselves.
 */
function localParameter(key: string, parameter: JsonObject, names: FederationNames): JsonObject {
  const { type, server: given, id } = parameter;
  if (type === 'call' && typeof id === 'string') return { ...parameter, id: names.localRoom(id) };
  if (type !== 'user') return parameter;
  const { server: _given, ...rest } = parameter;
  const isTheirs = typeof given !== 'string' || given === '';
  const server = names.localServer(isTheirs ? undefined : given);
  const needsId = isTheirs && key.startsWith('mention-') && id !== undefined && rest['mention-id'] === undefined;
  return { ...rest, ...(needsId ? { 'mention-id': id } : {}), ...(server === undefined ? {} : { server }) };
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
