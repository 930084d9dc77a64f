import type { JsonObject, JsonValue } from '@parley/domain';

/** A participant as a backend lists it: `sessionId` is the backend's own name for the session. */
export type BackendEntry = JsonObject;

/** Where a session is sent to. */
export interface Move {
  /** The backend's name for the session. */
  readonly foreignSessionId: string;
  readonly details: JsonValue | undefined;
}

/** A checked request of a backend about one of its rooms (sections "Backend API"; brief 2.9). */
export type BackendRequest =
  | {
      readonly type: 'invite';
      readonly userIds: readonly string[];
      readonly allUserIds: readonly string[];
      readonly properties: JsonObject;
    }
  | {
      readonly type: 'disinvite';
      readonly userIds: readonly string[];
      readonly foreignSessionIds: readonly string[];
      readonly allUserIds: readonly string[];
      readonly properties: JsonObject;
    }
  | { readonly type: 'update'; readonly userIds: readonly string[]; readonly properties: JsonObject }
  | { readonly type: 'delete'; readonly userIds: readonly string[] }
  | {
      readonly type: 'participants';
      readonly changed: readonly BackendEntry[];
      readonly users: readonly BackendEntry[];
    }
  | { readonly type: 'incall'; readonly changed: readonly BackendEntry[]; readonly users: readonly BackendEntry[] }
  /** Everybody's call state changes to the same. `flags` is undefined when what was given means nothing. */
  | { readonly type: 'incall-all'; readonly flags: number | undefined }
  | { readonly type: 'message'; readonly data: JsonValue | undefined }
  /** `moves` is undefined when the list cannot be read, which is answered differently from an unreadable body. */
  | { readonly type: 'switchto'; readonly roomId: string; readonly moves: readonly Move[] | undefined }
  | { readonly type: 'dialout'; readonly number: string; readonly options: JsonValue | undefined };
