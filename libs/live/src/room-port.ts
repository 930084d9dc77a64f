import {
  brandAs,
  type JsonObject,
  type JsonValue,
  type Member,
  type RoomSessionId,
  type SessionId,
} from '@parley/domain';

/** What changed of a member. What is not named stays as it is. */
export interface MemberPatch {
  readonly sessionId: SessionId;
  readonly inCall?: number;
  readonly flags?: number;
}

/** Who a member is. */
export interface MemberDescription {
  readonly userId?: string;
  readonly user?: JsonObject;
}

/** The name of a document that goes when this session leaves the room. */
export function documentOf(session: SessionId): string {
  return `of:${session}`;
}

/** The session that a document goes with, if it does. */
export function ownerOfDocument(name: string): SessionId | undefined {
  return name.startsWith('of:') ? brandAs<SessionId>(name.slice(3)) : undefined;
}

/**
 * What replicas share about a room besides who is in it. All of it is gone when the room closes. After a loss of the
 * store properties, transient values and members' calls are restored by the replicas that have members in the room;
 * documents by those that wrote or read them while they had members in it. What cannot be restored is told as removed.
 */
export interface LiveRoomState {
  /**
   * The next number of this room's order, for calls of `setProperties`, `putDocument` and `patchMembers`: fetched when
   * a request arrives, it keeps a slow request from overwriting what a later one said. Rises also after a loss of the
   * store.
   */
  nextOrder(room: RoomSessionId): Promise<number>;
  /**
   * Replaces the room's properties and tells the members (`room-changed`). False: nothing to tell, because a newer
   * order (or the same one) has been there or they are equal already.
   */
  setProperties(room: RoomSessionId, properties: JsonObject, order: number): Promise<boolean>;
  /**
   * Keeps a value under a name, silently. False: a newer order (or the same one) has been there, or it is the document of
   * a session ({@link documentOf}) that is not in the room.
   */
  putDocument(room: RoomSessionId, name: string, value: JsonValue, order: number): Promise<boolean>;
  document(room: RoomSessionId, name: string): Promise<JsonValue | undefined>;
  /**
   * Writes changes of members, silently: nobody is told. Who is not in the room is skipped. Answers everybody in the
   * room, as they are now.
   * @param order a member takes no patch with a lower order than the last one it took; without it, any
   */
  patchMembers(room: RoomSessionId, patches: readonly MemberPatch[], order?: number): Promise<readonly Member[]>;
  /**
   * Says anew who a member is and tells everybody (`changed`), unless that is nothing new. What is not named stays.
   * Does nothing for who is not in the room.
   */
  describeMember(room: RoomSessionId, session: SessionId, who: MemberDescription): Promise<void>;
  /**
   * Writes a transient value and tells everybody (`transient`). An equal value is no news, but its time to live is
   * replaced. `null` removes. Does nothing in a room without members. Keys `sd:<session>` go when that session leaves,
   * all of them when the last member does.
   * @param ttlMs after which it goes by itself, by the store's clock; without it (or 0), never
   * @throws DomainError `not_allowed` when the room holds no more (1,024 values, 1 MiB)
   */
  setTransient(room: RoomSessionId, key: string, value: JsonValue, ttlMs?: number): Promise<void>;
  /** Removes a transient value and tells everybody, if there was one. */
  removeTransient(room: RoomSessionId, key: string): Promise<void>;
}
