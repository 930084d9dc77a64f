import type { JsonObject, SessionId } from '@parley/domain';
import { callFlagsOf } from './call-flags';
import type { BackendEntry } from './request';

/** Who a backend lists without a session of theirs being in a room. */
const NO_SESSION = '0';

/** A backend's entry whose session is known here. */
export interface TranslatedEntry {
  readonly sessionId: SessionId;
  /** As the backend wrote it, with the public session id and without permissions. */
  readonly user: JsonObject;
  /** The list that replaces the session's permissions; undefined when none is given. */
  readonly permissions: readonly string[] | undefined;
  /** Undefined when nothing readable is given. */
  readonly inCall: number | undefined;
}

/** The backend's names of the sessions in these entries, each once. */
export function foreignIdsIn(...lists: ReadonlyArray<readonly BackendEntry[]>): readonly string[] {
  const ids = lists.flat().map(foreignIdOf);
  return [...new Set(ids.filter((id) => id !== undefined))];
}

/** Drops the entries whose session is not known here and puts the public id into the others; the order stays. */
export function translateEntries(
  entries: readonly BackendEntry[],
  known: ReadonlyMap<string, SessionId>,
): readonly TranslatedEntry[] {
  return entries.flatMap((entry) => {
    const foreignId = foreignIdOf(entry);
    const sessionId = foreignId === undefined ? undefined : known.get(foreignId);
    if (sessionId === undefined) return [];
    const { permissions, sessionid: _lowerCase, ...rest } = entry;
    const inCall = callFlagsOf(entry.inCall);
    return [{ sessionId, user: { ...rest, sessionId }, permissions: permissionList(permissions), inCall }];
  });
}

/** The list that everybody is shown: who is listed, and who changed without being listed. */
export function listedUsers(
  users: readonly TranslatedEntry[],
  changed: readonly TranslatedEntry[],
): readonly JsonObject[] {
  const listed = new Set(users.map(({ sessionId }) => sessionId));
  return [...users, ...changed.filter(({ sessionId }) => !listed.has(sessionId))].map(({ user }) => user);
}

/** Backends write `sessionId`; the lower-case form is understood as well. */
function foreignIdOf(entry: BackendEntry): string | undefined {
  const id = entry.sessionId ?? entry.sessionid;
  return typeof id === 'string' && id !== '' && id !== NO_SESSION ? id : undefined;
}

/** A list that is not all text changes nothing: half a list of permissions would be a wrong one. */
function permissionList(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const texts = value.filter((item): item is string => typeof item === 'string');
  return texts.length === value.length ? texts : undefined;
}
