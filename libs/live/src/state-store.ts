import type { Member, RoomSessionId } from '@parley/domain';
import type { MemberPatch } from './room-port';

/** A transient value as it is kept. */
export interface StoredTransient {
  readonly key: string;
  /** With sorted keys, so that equal values are equal text. */
  readonly json: string;
  /** By the store's clock, in milliseconds; 0: never. */
  readonly expiresAt: number;
}

/** Something that takes only newer orders. */
export interface Ordered {
  readonly json: string;
  readonly order: number;
}

/** What somebody who enters a room is told. */
export interface StoredRoomState {
  readonly members: readonly Member[];
  readonly properties: Ordered | undefined;
  readonly transient: readonly StoredTransient[];
}

/** What a replica knows of a room the store has lost. */
export interface RoomKeepsakes {
  readonly properties: Ordered | undefined;
  readonly transient: readonly StoredTransient[];
  readonly documents: ReadonlyMap<string, Ordered>;
}

/** What replicas share about a room besides who is in it. */
export interface RoomStateStore {
  nextOrder(room: RoomSessionId): Promise<number>;
  setProperties(room: RoomSessionId, properties: Ordered): Promise<boolean>;
  putDocument(room: RoomSessionId, name: string, document: Ordered): Promise<boolean>;
  document(room: RoomSessionId, name: string): Promise<Ordered | undefined>;
  /** Undefined: there is no such room. */
  patch(
    room: RoomSessionId,
    patches: readonly MemberPatch[],
    order: number | undefined,
  ): Promise<readonly Member[] | undefined>;
  /** Replaces what is known of a member, besides its place in the room, and tells everybody when it differs. */
  describe(room: RoomSessionId, member: Member): Promise<void>;
  /** @returns `full`: it would be more than a room holds (`TRANSIENT_LIMITS`); `nobody` is in the room */
  setTransient(room: RoomSessionId, key: string, json: string, ttlMs: number): Promise<'set' | 'full' | 'nobody'>;
  /** @returns false when nobody is in the room */
  removeTransient(room: RoomSessionId, key: string): Promise<boolean>;
  /** Removes and tells what has expired; answers in how many milliseconds the next value does. */
  expire(room: RoomSessionId): Promise<number | undefined>;
  /** Gives back what is missing, if the room is (still) of this generation. Members that may differ are told. */
  restore(room: RoomSessionId, generation: string, kept: RoomKeepsakes): Promise<void>;
}

/** Questions that wait for an answer. */
export interface AskStore {
  open(askId: string, ttlMs: number): Promise<void>;
  /** Keeps the first answer and wakes who waits (topic `a:<askId>`). False: nobody waits. */
  answer(askId: string, json: string): Promise<boolean>;
  read(askId: string): Promise<string | undefined>;
  close(askId: string): Promise<void>;
}
