import type {
  AskEvent,
  CoreEvent,
  DoorPolicy,
  JsonObject,
  JsonValue,
  LiveRooms,
  Member,
  ReplicaId,
  Role,
  RoomSessionId,
  SessionId,
  SessionKind,
  TenantKey,
} from '@parley/domain';
import type { LiveEvents } from './event-port';
import type { LiveRoomState, MemberPatch } from './room-port';
import type { OwnedSession, SessionSink } from './session-port';

export type { DepartedMember, Departure, Expected, LiveEvents } from './event-port';
export type { OpenRequest, OwnedSession, SessionSink } from './session-port';

/**
 * Where a session stands in what was sent to it: a position in its own log and one in the log of the room it is in.
 * Both logs are kept by the store, so any replica can go on from a cursor, also after the owner was killed.
 */
export interface Cursor {
  /** Last delivered number of the session's own log. */
  readonly session: number;
  /** Last delivered number of the room's log, with the generation it belongs to; absent outside a room. */
  readonly room?: { readonly id: RoomSessionId; readonly generation: string; readonly seq: number };
}

/** What is known of a session for as long as it lives. */
export interface SessionRecord {
  readonly id: SessionId;
  readonly tenant: TenantKey;
  readonly kind: SessionKind;
  readonly userId: string;
  readonly displayName?: string;
  readonly user?: JsonObject;
  readonly features: readonly string[];
  /** The protocol it speaks. */
  readonly dialect: string;
  /** SHA-256 (hex) of the secret part of the resume id. The secret itself is never stored. */
  readonly resumeVerifier: string;
  /** Anything the protocol must find again on another replica; opaque here, at most 16 KiB of JSON. */
  readonly attributes: JsonObject;
  /** What it may do, in the words of the owner of its data; undefined until somebody said. */
  readonly permissions?: readonly string[] | undefined;
}

/** One event with the cursor a session has reached once this event is written to its socket. */
export interface Delivery {
  readonly cursor: Cursor;
  readonly event: CoreEvent;
}

/** Why the live layer took a session away from its connection. */
export type EndReason =
  /** Another connection resumed it; the session lives on there. */
  | 'resumed_elsewhere'
  /** It was kicked, or its room was closed with force. */
  | 'kicked'
  /** Ended by `end()`; `detail` says why in the caller's words. */
  | 'ended'
  /** Its log overflowed while it did not read: a partial replay is never given. */
  | 'log_overflow'
  /** The window in which it could be resumed has passed. */
  | 'expired';

/** What a joiner brings to the door. */
export interface JoinRequest {
  readonly room: RoomSessionId;
  /** The room's rules as PostgreSQL has them now; live state is created from them if it is gone. */
  readonly policy: DoorPolicy;
  /** Asked for by ticket (`host` needs a host key) or decided by order of arrival. */
  readonly role: Role | 'by-arrival';
  /** The password version the ticket was made under; `exempt` for hosts and trusted sessions. */
  readonly passwordVersion: number | 'exempt';
  /** Hosts by key and trusted sessions pass a lock. */
  readonly passesLock: boolean;
  readonly member: Omit<Member, 'order' | 'role' | 'sessionId'>;
  /** The room has these until the first `setProperties`, unless somebody brought others before; who is in is told. */
  readonly properties?: JsonObject;
}

/** What the door answered. */
export type JoinOutcome =
  | {
      readonly kind: 'joined';
      /** Itself, with the role it got. */
      readonly self: Member;
      /** Everybody else at that moment. Events up to `cursor` are already contained in it. */
      readonly others: readonly Member[];
      readonly cursor: NonNullable<Cursor['room']>;
      /** Another session of this tenant that had the same `foreignSessionId`. What becomes of it, the caller decides. */
      readonly tookOver?: SessionId;
      /** What was last set with `setProperties`; empty when nothing was. */
      readonly properties: JsonObject;
      /** The room's transient values. */
      readonly transient: JsonObject;
    }
  | { readonly kind: 'refused'; readonly code: 'room_locked' | 'room_full' | 'room_closing' | 'wrong_password' };

/** A room at one moment. Events up to `cursor` are contained in it. */
export interface RoomSnapshot {
  readonly members: readonly Member[];
  readonly cursor: NonNullable<Cursor['room']>;
  /** What was last set with `setProperties`; empty when nothing was. */
  readonly properties: JsonObject;
  readonly transient: JsonObject;
}

export type ResumeOutcome =
  | {
      readonly kind: 'resumed';
      readonly session: OwnedSession;
      /** What was missed, in order, to be written right after the answer; later events reach the sink. */
      readonly missed: readonly Delivery[];
      /** Where it stands after what was missed. */
      readonly cursor: Cursor;
      /** The room it is in, as it is after what was missed. */
      readonly room?: RoomSnapshot;
      /**
       * The open request of the session was a join, and it is in the room it asked for: `missed` has nothing of that
       * room, `room` is what the answer is to be made of.
       */
      readonly entered: boolean;
    }
  /** Unknown, expired, wrong secret, or a log that no longer reaches back. */
  | { readonly kind: 'no_such_session' };

/** What of a session others may know. */
export interface SessionInfo {
  readonly id: SessionId;
  readonly tenant: TenantKey;
  readonly userId: string;
  readonly room: RoomSessionId | undefined;
  /** The session that speaks for it, if it is a virtual one. */
  readonly parent?: SessionId;
  /** It has a connection, or is a virtual one; otherwise it may be resumed. */
  readonly attached: boolean;
}

/** Somebody another session speaks for. Held by whoever owns that session, and gone with it. */
export interface VirtualSession {
  readonly record: SessionRecord;
  readonly room: RoomSessionId | undefined;
  /** Enters a room, leaving the present one first. On refusal it stays where it was. */
  join(request: JoinRequest): Promise<JoinOutcome>;
  leave(): Promise<void>;
  /**
   * Writes what changed of it, silently; answers everybody in the room, as they are now.
   * @param order as in `patchMembers`
   */
  update(change: Omit<MemberPatch, 'sessionId'>, order?: number): Promise<readonly Member[]>;
  /** Leaves and is gone. */
  close(): Promise<void>;
}

export interface OpenOptions {
  /** How many sessions of kind `client` and `federation` the tenant may have, this one included. */
  readonly limit?: number;
}

/** Sessions and messages, across replicas. */
export interface LiveSessions {
  /**
   * A new session, owned by this replica. Detached sessions count for the limit, expired ones do not.
   * @throws DomainError `session_limit_exceeded`
   */
  open(record: SessionRecord, sink: SessionSink, options?: OpenOptions): Promise<OwnedSession>;
  /**
   * Somebody `parent` (owned by this replica) speaks for. What is sent to it reaches `parent` with `recipient` set; it
   * ends when `parent` does. `record.kind` is `virtual`, its `resumeVerifier` is not used.
   * @throws DomainError `session_not_found` when `parent` is not owned here
   */
  openVirtual(parent: SessionId, record: SessionRecord): Promise<VirtualSession>;
  /** The virtual sessions of a session this replica owns, also those it opened where it was before. */
  virtuals(parent: SessionId): readonly VirtualSession[];
  /**
   * Takes a session over: epoch + 1, this replica owns it; a connection that still had it hears `resumed_elsewhere`.
   * Without `lastSeen` it goes on after what the former owner last checkpointed; with it, exactly after that.
   */
  resume(id: SessionId, secret: string, sink: SessionSink, lastSeen?: Cursor): Promise<ResumeOutcome>;
  /** Appends to one session's log and wakes its owner. `unknown` if it is gone or of another tenant. */
  toSession(tenant: TenantKey, to: SessionId, event: CoreEvent): Promise<'sent' | 'unknown'>;
  /** To every session of a user in this tenant, except `except`. Answers how many. */
  toUser(tenant: TenantKey, userId: string, event: CoreEvent, except?: SessionId): Promise<number>;
  /** To everybody in the room, except `except`. */
  toRoom(room: RoomSessionId, event: CoreEvent, except?: SessionId): Promise<void>;
  /**
   * Ends a session wherever it is; its resume id is burnt.
   * @param options.quietly its leaving is not told outside the room: another one takes its place
   */
  end(id: SessionId, detail: string, options?: { readonly quietly?: boolean }): Promise<boolean>;
  find(id: SessionId): Promise<SessionInfo | undefined>;
  /** The sessions of kind `internal` of a tenant that announced a feature and are connected, on all replicas. */
  withFeature(tenant: TenantKey, feature: string): Promise<readonly SessionId[]>;
  /** How many sessions of kind `client`, `federation` and `robot` a tenant has on all replicas. */
  count(tenant: TenantKey): Promise<number>;
  /** Which sessions have these `foreignSessionId`s; those nobody has are left out. Known before a join is announced. */
  byForeignId(tenant: TenantKey, ids: readonly string[]): Promise<ReadonlyMap<string, SessionId>>;
  /** Replaces what a session may do and tells it (`permissions`). False if it is gone or of another tenant. */
  setPermissions(id: SessionId, permissions: readonly string[], tenant: TenantKey): Promise<boolean>;
  /**
   * Gives a session this replica owns another user id. Its member in a room is not changed by that.
   * @throws DomainError `session_not_found` when it is not owned here
   */
  setUserId(id: SessionId, userId: string): Promise<void>;
  /**
   * Gives a session this replica owns another `foreignSessionId` in the room it is in, and tells the room (`changed`).
   * Nothing happens outside a room.
   * @returns another session of this tenant that had it. What becomes of it, the caller decides
   */
  setForeignId(id: SessionId, foreignSessionId: string): Promise<SessionId | undefined>;
  /**
   * Replaces what the protocol keeps with a session this replica owns; whoever resumes it finds it in the record.
   * @throws DomainError `session_not_found` when it is not owned here
   */
  setAttributes(id: SessionId, attributes: JsonObject): Promise<void>;
}

/** Questions to sessions, across replicas. */
export interface LiveAsks {
  /**
   * Sends `question` to a session and waits for the answer. Undefined: there is no such session, or nobody answered.
   * @param question its `askId` is chosen by the caller and never used again
   */
  ask(session: SessionId, question: AskEvent, timeoutMs: number): Promise<JsonValue | undefined>;
  /** The first answer counts. False: nobody waits for it (any more). */
  answer(askId: string, value: JsonValue): Promise<boolean>;
}

/** Small facts with a deadline, shared by all replicas of a region. All times are the store's own. */
export interface LiveGuards {
  /**
   * Remembers a one-time value. False: it was seen before. `full`: the scope holds `limit` values already.
   * @param ttlMs how long it is remembered
   */
  once(scope: string, value: string, ttlMs: number, limit?: number): Promise<boolean | 'full'>;
  /** Forgets a one-time value: it was not used after all. */
  forget(scope: string, value: string): Promise<void>;
  /** Counts one hit in a fixed window; answers the count and how long the window still lasts. */
  hit(scope: string, windowMs: number): Promise<{ count: number; resetsInMs: number }>;
  /** Reads such a count without raising it. */
  hits(scope: string): Promise<{ count: number; resetsInMs: number }>;
  /** Takes a lease for `ttlMs`, or prolongs it for the same holder. */
  lease(name: string, holder: string, ttlMs: number): Promise<boolean>;
  release(name: string, holder: string): Promise<void>;
}

/** One replica's handle on the live layer. */
export interface Live {
  readonly replica: ReplicaId;
  readonly sessions: LiveSessions;
  readonly rooms: LiveRooms & LiveRoomState;
  readonly asks: LiveAsks;
  readonly guards: LiveGuards;
  readonly events: LiveEvents;
  /** What there is on all replicas: sessions that are connected or may be resumed, virtual ones too; rooms with members. */
  census(): Promise<{ readonly sessions: number; readonly rooms: number }>;
  /** Whether the store answers right now; part of readiness. */
  healthy(): Promise<boolean>;
  /** Gives its sessions up for resume elsewhere and closes its connections. */
  close(): Promise<void>;
}

/** Times of the live layer, in milliseconds. Production uses {@link LIVE_TIMES}; tests shorten them. */
export interface LiveTimes {
  readonly resumeWindowMs: number;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly checkpointMs: number;
  readonly reannounceMs: number;
  readonly halfDoneJoinMs: number;
  /** Nobody is declared dead in a generation's first moments. */
  readonly generationGraceMs: number;
  /** How long telling of a departure may take, before another replica tries. */
  readonly departureMs: number;
}

export const LIVE_TIMES: LiveTimes = {
  resumeWindowMs: 30_000,
  heartbeatMs: 2_000,
  deadAfterMs: 6_000,
  checkpointMs: 1_000,
  reannounceMs: 10_000,
  halfDoneJoinMs: 10_000,
  generationGraceMs: 10_000,
  departureMs: 60_000,
};

/**
 * How much a log keeps at most. One that would lose something not yet acknowledged ends the session; of what is
 * acknowledged up to `slack` messages may go early.
 */
export const LOG_LIMITS = { messages: 256, bytes: 1_048_576, slack: 16 } as const;
