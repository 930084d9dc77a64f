import type { JsonObject, JsonValue, Member } from '@parley/domain';

/** In-call flags (brief 3.7). */
export const IN_CALL = { call: 1, audio: 2, video: 4, phone: 8 } as const;

/** What internal and virtual sessions begin with, unless the client announced `internal-incall`: then 0. */
const DEFAULT_IN_CALL = { internal: IN_CALL.call | IN_CALL.audio, virtual: IN_CALL.call | IN_CALL.phone } as const;

/** A client that announces this sets its flags, and those of its virtual sessions, itself. */
const INTERNAL_IN_CALL = 'internal-incall';

export function defaultInCall(kind: keyof typeof DEFAULT_IN_CALL, features: readonly string[]): number {
  return features.includes(INTERNAL_IN_CALL) ? 0 : DEFAULT_IN_CALL[kind];
}

/**
 * The `users` of `participants/update`: what the backend told last, and who it knows nothing of.
 * @param users entries as the backend sent them, `sessionId` translated to public ids
 * @param nowSeconds Unix time, for `lastPing` of sessions that the backend does not ping
 */
export function participantUsers(
  users: readonly JsonObject[],
  members: readonly Member[],
  nowSeconds: number,
): JsonObject[] {
  const byId = new Map<JsonValue | undefined, Member>(members.map((member) => [member.sessionId, member]));
  const listed = new Set(users.map(({ sessionId }) => sessionId));
  const own = members.filter(({ sessionId, kind }) => hasOwnEntry(kind) && !listed.has(sessionId));
  return [
    ...users.map((entry) => completed(entry, byId.get(entry.sessionId))),
    ...own.map((member) => ownEntry(member, nowSeconds)),
  ];
}

function hasOwnEntry(kind: Member['kind']): boolean {
  return kind === 'internal' || kind === 'virtual';
}

/** A backend's entry without what clients must not see, with what the server knows better. */
function completed(entry: JsonObject, member: Member | undefined): JsonObject {
  const shown: JsonObject = { ...entry };
  delete shown.permissions;
  if (member === undefined) return shown;
  if (!shown.userId && member.userId) shown.userId = member.userId;
  return member.kind === 'virtual' ? { ...shown, virtual: true, inCall: member.inCall ?? 0 } : shown;
}

function ownEntry(member: Member, lastPing: number): JsonObject {
  const { sessionId, kind, userId, features, inCall } = member;
  const entry: JsonObject = { inCall: inCall ?? 0, sessionId, lastPing };
  if (kind === 'virtual') return { ...entry, virtual: true, ...(userId ? { userId } : {}) };
  return { ...entry, internal: true, ...(features?.length ? { features: [...features] } : {}) };
}
