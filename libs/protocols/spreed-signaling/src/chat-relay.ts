import type { JsonObject, JsonValue } from '@parley/domain';

/** A client with this feature gets the comments themselves, others are told to fetch them. */
export const CHAT_RELAY = 'chat-relay';

/** What a backend's room message becomes for one receiver: the `data` of one or more `room/message` events. */
export function chatFor(
  data: JsonValue,
  receiver: { readonly chatRelay: boolean; readonly hidesNames: boolean },
): readonly JsonValue[] {
  const chat = chatOf(data);
  if (chat === undefined) return [data];
  const comments = commentsOf(chat);
  if (comments.length === 0) return [data];
  if (!receiver.chatRelay) return [{ type: 'chat', chat: { refresh: true } }];
  return comments.map((comment) => ({
    type: 'chat',
    chat: { comment: receiver.hidesNames ? withoutName(comment) : comment },
  }));
}

/** Whether chat of this kind is shown differently to different receivers. */
export function isChat(data: JsonValue): boolean {
  return chatOf(data) !== undefined;
}

/** Whether a client's message asks its receivers for nothing but to fetch the chat. */
export function isChatRefresh(data: JsonValue): boolean {
  return chatOf(data)?.refresh === true;
}

function chatOf(data: JsonValue): JsonObject | undefined {
  if (!isObject(data) || data.type !== 'chat') return undefined;
  return isObject(data.chat) ? data.chat : undefined;
}

function commentsOf({ comment, comments }: JsonObject): JsonValue[] {
  if (Array.isArray(comments)) return comments;
  return comment === undefined || comment === null ? [] : [comment];
}

function withoutName(comment: JsonValue): JsonValue {
  return isObject(comment) && 'actorDisplayName' in comment ? { ...comment, actorDisplayName: '' } : comment;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
