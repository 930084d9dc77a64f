import type {
  DoorPolicy,
  LivePeers,
  Member,
  PeerChange,
  PeerNews,
  ReplicaId,
  Role,
  RoomSessionId,
  SessionId,
  TenantKey,
} from '@parley/domain';
import type { Cursor, EndReason, JoinOutcome, LiveGuards, SessionInfo, SessionRecord } from './port';
import type { DepartureStore } from './departure-store';
import type { RegistryStore } from './registry-store';
import type { AskStore, RoomStateStore, StoredRoomState } from './state-store';

/**
 * What the replica side (engine/) needs of the shared state. Every method is atomic in the store and touches the state
 * of ONE session, room, user or scope, so that each fits into one script on one node of a Redis cluster. All times are
 * the store's own; methods take durations, never points in time.
 */
export interface LiveStore {
  readonly sessions: SessionStore;
  readonly rooms: RoomStore;
  readonly registry: RegistryStore;
  readonly departures: DepartureStore;
  readonly guards: LiveGuards;
  readonly asks: AskStore;
  readonly bus: Bus;
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}

/** Where a session stands in a room's log. */
export type RoomPosition = NonNullable<Cursor['room']>;

/** A channel: of a session, of a room or of a question. */
export type Topic = `s:${string}` | `r:${string}` | `a:${string}`;

/** Messages between replicas. What is heard may be late, doubled or missing; the logs say what is true. */
export interface Bus {
  /** One listener per topic. Resolves once everything published from now on is heard. */
  listen(topic: Topic, listener: (text: string) => void): Promise<void>;
  unlisten(topic: Topic): Promise<void>;
  /** Called after subscriptions were interrupted and are restored: something may have been missed. */
  onInterrupted(listener: () => void): void;
  /** Resolves once everything published before is heard; missing where that cannot be told. */
  fence?(): Promise<unknown> | undefined;
  /** Checks that the subscriber's connection is alive and renews it if not. */
  check(): Promise<void>;
}

export interface LogEntry {
  readonly seq: number;
  /** A `CoreEvent` as JSON. */
  readonly json: string;
}

export type SessionRead =
  | { readonly kind: 'log'; readonly seq: number; readonly entries: readonly LogEntry[] }
  /** The log no longer reaches back. */
  | { readonly kind: 'gap' }
  | { readonly kind: 'taken' }
  | { readonly kind: 'ended'; readonly reason: EndReason; readonly detail: string }
  /** No trace of it: it was over long ago, or the store lost everything. */
  | { readonly kind: 'missing' };

export type StoredResume =
  | { readonly kind: 'none' }
  /** The secret is right, but the log does not reach back. */
  | { readonly kind: 'gap' }
  | {
      readonly kind: 'resumed';
      readonly record: SessionRecord;
      readonly epoch: number;
      readonly previousOwner: ReplicaId;
      /** Number after which `entries` begin. */
      readonly after: number;
      readonly entries: readonly LogEntry[];
      /** Where it entered the room it is in. */
      readonly joinedAt: RoomPosition | undefined;
      /** By which attempt; undefined: that is not known any more. */
      readonly attempt: number | undefined;
      /** The room it is still to be taken out of. */
      readonly previous: FormerRoom | undefined;
      readonly checkpoint: Checkpoint;
      readonly request: StoredRequest | undefined;
    };

/** A room that a session has still to be taken out of. */
export interface FormerRoom {
  readonly room: RoomSessionId;
  /** By which attempt it was in; undefined: that is not known any more. */
  readonly attempt: number | undefined;
}

/** What a session was asked for and is not known to have answered. */
export interface StoredRequest {
  readonly token: string;
  readonly json: string;
  /** A join was finished since it was asked. */
  readonly entered: boolean;
}

/** How far an owner says its client has read. */
export interface Checkpoint {
  readonly session: number;
  /** Everything up to here in the room's log needs no second delivery. */
  readonly room: RoomPosition | undefined;
  /** The last number in the room's log that was an event for this session; up to `room` nothing else was. */
  readonly roomEvent: number;
}

/** What an owner knows of its session: enough to make it anew. */
export interface Announcement {
  readonly record: SessionRecord;
  readonly epoch: number;
  readonly owner: ReplicaId;
  /** Who speaks for it, if it is a virtual session. */
  readonly parent?: SessionId;
  /** Last number delivered. */
  readonly seq: number;
  readonly room: RoomPosition | undefined;
  readonly checkpoint: Checkpoint;
}

/** What a session leaves behind when it ends. */
export interface Remains {
  readonly tenant: TenantKey;
  readonly userId: string;
  readonly owner: ReplicaId;
  readonly rooms: readonly RoomSessionId[];
  /** Its leaving is not told outside the room. */
  readonly quiet: boolean;
}

export interface Burning {
  readonly reason: EndReason;
  readonly detail: string;
  /** Last event it hears, as JSON. */
  readonly json?: string;
  /** Only while this is its epoch. */
  readonly epoch?: number;
  /** Only while it is in this room. */
  readonly room?: RoomSessionId;
  /** Its leaving is not to be told outside the room, whoever clears it away. */
  readonly quiet?: boolean;
}

export type Look =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'later'; readonly inMs: number }
  /** Over; what it left is to be cleared away. */
  | { readonly kind: 'over'; readonly remains: Remains }
  /** It lives, but a join or a change of rooms was left half done. The join cannot be finished any more. */
  | {
      readonly kind: 'half-done';
      readonly joining?: { readonly room: RoomSessionId; readonly attempt: number };
      readonly previous?: FormerRoom;
    };

/** `missing`: there is no trace of it, as `missing` in {@link SessionRead}. */
export type Appended = 'sent' | 'unknown' | 'missing' | 'overflow' | { readonly parent: SessionId };

export interface SessionStore {
  /** Keeps a request in the place of the one before. False: it is not this epoch's session any more. */
  beginRequest(id: SessionId, epoch: number, token: string, json: string): Promise<boolean>;
  /** Forgets it, unless a newer one took its place. */
  settleRequest(id: SessionId, token: string): Promise<void>;
  /** @param parent who speaks for it, if it is a virtual session */
  open(record: SessionRecord, owner: ReplicaId, parent?: SessionId): Promise<void>;
  /**
   * @param permissions kept in the record, in the same step
   * @returns `parent` when it is a virtual session: nothing was appended, what it hears goes there
   */
  append(id: SessionId, tenant: TenantKey, json: string, permissions?: readonly string[]): Promise<Appended>;
  /** Gives the session of this epoch another user id; false when it is no longer this owner's. */
  rename(id: SessionId, epoch: number, userId: string): Promise<boolean>;
  /** Replaces the record's attributes, for the owner of this epoch; false when it is no longer this owner's. */
  describe(id: SessionId, epoch: number, record: SessionRecord): Promise<boolean>;
  /** A virtual session as it is kept; undefined when it is over. */
  virtual(id: SessionId): Promise<{ record: SessionRecord; room: RoomPosition | undefined } | undefined>;
  /** The log after a number, for the owner of this epoch. */
  read(id: SessionId, epoch: number, after: number): Promise<SessionRead>;
  resume(id: SessionId, verifier: string, owner: ReplicaId, after: number | undefined): Promise<StoredResume>;
  checkpoint(id: SessionId, epoch: number, checkpoint: Checkpoint): Promise<void>;
  detach(id: SessionId, epoch: number, checkpoint: Checkpoint): Promise<void>;
  /** Keeps a session, makes it anew if the store lost it (`create`), or says what became of it. */
  announce(announcement: Announcement, create: boolean): Promise<SessionRead>;
  /** Answers the number of the attempt, which is higher than those before, also over a loss; or undefined when it is no longer this owner's. */
  beginJoin(id: SessionId, epoch: number, room: RoomSessionId): Promise<number | undefined>;
  /** Makes an admitted join the session's room. `lost`: it is no longer this owner's; `withdrawn`: others took it back. */
  finishJoin(id: SessionId, epoch: number, attempt: number, at: RoomPosition): Promise<'joined' | 'lost' | 'withdrawn'>;
  /**
   * Takes an attempt back, whether it was finished or not. `kept`: it was finished and the session has another owner
   * by now, who counts on it. Otherwise the member of this attempt is to be taken out of the room.
   */
  abandonJoin(id: SessionId, epoch: number, attempt: number): Promise<'abandoned' | 'kept'>;
  /** Notes that nothing of this attempt is left. */
  gaveUpJoin(id: SessionId, attempt: number): Promise<void>;
  /**
   * Notes that it is out of this room: its own or the one it was leaving. With `attempt`, only if it came in by that: it
   * may be back by now.
   */
  leftRoom(id: SessionId, room: RoomSessionId, attempt?: number): Promise<void>;
  /** Ends a session; its owner is told. Undefined when there was nothing to end. */
  burn(id: SessionId, burning: Burning): Promise<Remains | undefined>;
  /** Treats a dead replica's session as detached `agoMs` ago; false when it is not that replica's any more. */
  orphan(id: SessionId, owner: ReplicaId, agoMs: number): Promise<boolean>;
  /** Looks whether something is due; ends it when its resume window is over. */
  look(id: SessionId): Promise<Look>;
  /** Notes that nothing of an ended session is left to clear away. */
  bury(id: SessionId): Promise<void>;
  find(id: SessionId): Promise<SessionInfo | undefined>;
}

export interface StoredJoinRequest {
  readonly session: SessionId;
  readonly attempt: number;
  readonly policy: DoorPolicy;
  readonly role: Role | 'by-arrival';
  readonly passwordVersion: number | 'exempt';
  readonly passesLock: boolean;
  /** A member without `sessionId`, `role` and `order`. */
  readonly member: Omit<Member, 'order' | 'role' | 'sessionId'>;
  /** As JSON; taken when the room has none. */
  readonly properties?: string;
}

export type StoredJoin =
  | Extract<JoinOutcome, { kind: 'refused' }>
  | ({
      readonly kind: 'joined';
      readonly generation: string;
      readonly seq: number;
      /** Nobody else is in. */
      readonly first: boolean;
      /** It was in already; nobody was told. */
      readonly again: boolean;
      /** Its coming, unless it was in already. */
      readonly noted?: StoredChange;
    } & StoredRoomState);

export interface RoomLogEntry extends LogEntry {
  /** The session that does not get it; empty: everybody does; `*`: nobody does, only replicas note it. */
  readonly except: string;
}

export interface RoomRead extends StoredRoomState {
  readonly generation: string;
  readonly seq: number;
  /** After the number asked for; from the first on when the generation is another; undefined: does not reach back. */
  readonly entries: readonly RoomLogEntry[] | undefined;
  /** The door's rules; undefined while only a closing mark is known. */
  readonly policy: DoorPolicy | undefined;
}

/** What a member leaves behind. */
export interface Leaving {
  readonly removed: boolean;
  readonly empty: boolean;
  readonly foreignSessionId?: string;
  /** Its going, if it was removed. */
  readonly noted?: StoredChange;
}

/** A coming or going as it was noted. */
export interface StoredChange {
  readonly generation: string;
  readonly n: number;
  readonly change: PeerChange;
}

/** Comings and goings, noted in the step that takes the member in or out. */
export interface PeerStore extends Pick<LivePeers, 'peerCursors'> {
  /** Begins the room's generation if the store has none. */
  peerNews(...args: Parameters<LivePeers['peerNews']>): Promise<Omit<PeerNews, 'lost'>>;
}

export interface RoomStore extends RoomStateStore, PeerStore {
  join(room: RoomSessionId, request: StoredJoinRequest): Promise<StoredJoin>;
  /** The same for a member that is in; undefined: it is not, and nothing was done. */
  rejoin(room: RoomSessionId, request: Omit<StoredJoinRequest, 'attempt'>): Promise<StoredJoin | undefined>;
  /** With `attempt`, only a member that came in by this attempt, or was given back to a store that had lost it. */
  leave(room: RoomSessionId, session: SessionId, attempt?: number): Promise<Leaving>;
  /** False when there is no such room. */
  append(room: RoomSessionId, json: string, except: string): Promise<boolean>;
  read(room: RoomSessionId, generation: string, after: number): Promise<RoomRead | undefined>;
  members(room: RoomSessionId): Promise<readonly Member[]>;
  /** All rooms with members. Slow: everything there is is looked at. */
  occupied(): Promise<readonly RoomSessionId[]>;
  member(room: RoomSessionId, session: SessionId): Promise<Member | undefined>;
  /**
   * Members as their owners know them. Adds those that are missing, but only when the room is of another generation
   * than theirs: in the same generation somebody took them out on purpose. Undefined: the room is closed.
   */
  announce(
    room: RoomSessionId,
    generation: string,
    policy: DoorPolicy,
    members: readonly Member[],
  ): Promise<{ generation: string; seq: number } | undefined>;
  applyPolicy(room: RoomSessionId, policy: DoorPolicy): Promise<void>;
  beginClosing(room: RoomSessionId, force: boolean): Promise<'closing' | 'occupied'>;
  undoClosing(room: RoomSessionId): Promise<void>;
  finishClosing(room: RoomSessionId): Promise<void>;
}
