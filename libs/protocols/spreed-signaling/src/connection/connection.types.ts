import type { CoreEvent, JsonObject, JsonValue, Member, MessageEvent, SessionId, SessionKind } from '@parley/domain';
import type { FederationTarget, HelloRequest, Recipient } from '../client-message';
import type { WireError } from '../errors';
import type { ProtocolVersion } from '../features';
import type { Frame } from '../frame';
import type { DialoutReport, InternalRequest, VirtualName } from '../internal-request';
import type { Position } from '../seq';

/** What the protocol needs to know of who is connected. The rest stays with whoever authenticated it. */
export interface Identity {
  readonly kind: SessionKind;
  /** Empty for guests and internal clients. */
  readonly userId: string;
  /** Comes from a foreign backend: its permission lists say who may give orders. Otherwise the role in the room does. */
  readonly foreign?: boolean;
}

/** A session as this connection has it. */
export interface ActiveSession {
  readonly sessionId: SessionId;
  readonly resumeId: string;
  readonly identity: Identity;
  /** What the client announced. */
  readonly features: readonly string[];
  /** The client announced `message-seq`. */
  readonly wantsSeq: boolean;
  /** What its backend allows; undefined until it said. */
  readonly permissions: readonly string[] | undefined;
  /** Its own flags in the call. */
  readonly inCall: number;
  /** The virtual sessions it speaks for, with the names it gave them. */
  readonly virtuals: Virtuals;
  readonly room: CurrentRoom | undefined;
  /** The room of another cluster it is in; then it is in none of this one. */
  readonly federation?: FederatedRoom | undefined;
  /** A join waits for its answer. */
  readonly joining: boolean;
  /** Deliveries of a room whose join is not answered yet. */
  readonly held: readonly DeliveredEvent[];
}

/** Virtual sessions by their public ids. */
export type Virtuals = ReadonlyMap<SessionId, VirtualName>;

/** The room a session is in, as its client knows it. */
export interface CurrentRoom {
  /** The name on this wire. */
  readonly roomId: string;
  readonly liveId: NonNullable<Position['room']>['id'] | undefined;
  readonly properties: JsonObject | undefined;
  /** May send `control` by its role. In rooms of a foreign backend permissions decide instead. */
  readonly mayControl: boolean;
  /** Order of the last list of participants that was told. */
  readonly told?: number;
  /** Flags of virtual sessions, as they were told. */
  readonly flags?: ReadonlyMap<SessionId, number>;
  /** Who the client is in this room, where the room decides about that (guests of a backend). */
  readonly userId?: string;
}

/** A room of another cluster, by the name its client gave it. */
export interface FederatedRoom {
  readonly roomId: string;
}

/** What a client may send at most in a room, in bits per second; 0: nothing is said about it. */
export interface Bandwidth {
  readonly stream: number;
  readonly screen: number;
}

/** A request whose answer waits for something outside. */
export interface Pending {
  readonly id: string | undefined;
  readonly version: ProtocolVersion;
  readonly features: readonly string[];
}

export type TimerName = 'hello' | 'guest-join';

/**
 * Everything the machine remembers.
 * - `greeting`: connected, no session yet; `asking` while a hello is being decided.
 * - `active`: has a session.
 * - `ending`: the session is being given up; then the connection says bye and closes.
 * - `closed`: nothing is sent any more.
 */
export interface ConnectionState {
  readonly phase: 'greeting' | 'asking' | 'active' | 'ending' | 'closed';
  readonly pending: Pending | undefined;
  /** The hello timer fired while a resume was being decided. */
  readonly helloExpired: boolean;
  readonly session: ActiveSession | undefined;
  /** Number of the last event of its session's own log; undefined while unknown (after a resume that replayed nothing). */
  readonly ownSeq: number | undefined;
  /** Deliveries that came before the hello was answered. */
  readonly early: readonly DeliveredEvent[];
  /** What is said when `ending` is done; undefined: nothing. */
  readonly bye: { readonly id: string | undefined; readonly reason: string | undefined } | undefined;
}

/** One event as the live layer hands it over. */
export interface DeliveredEvent {
  readonly event: CoreEvent;
  readonly position: Position;
}

/** Why the live layer took the session away; the same words as its port. */
export type EndReason = 'resumed_elsewhere' | 'kicked' | 'ended' | 'log_overflow' | 'expired';

type Outcome<Value> = ({ readonly ok: true } & Value) | { readonly ok: false; readonly error: WireError };

/** A session as it was opened or resumed. */
export interface SessionFacts {
  readonly sessionId: SessionId;
  readonly resumeId: string;
  readonly identity: Identity;
}

/** A `room` request whose answer its client has not got. */
export interface OpenRoomRequest {
  readonly id: string | undefined;
  /** Empty: it wants to leave. */
  readonly roomId: string;
  readonly foreignSessionId: string | undefined;
}

export interface ResumedFacts extends SessionFacts {
  readonly features: readonly string[];
  readonly permissions?: readonly string[];
  readonly virtuals?: Virtuals;
  readonly room: CurrentRoom | undefined;
  readonly federation?: FederatedRoom | undefined;
  readonly inCall?: number;
  /** Where it stands after what was missed. */
  readonly position?: Position;
  /** What the lost connection was asked and did not answer: it is answered on this one. */
  readonly request?: OpenRoomRequest | undefined;
  /** What that is answered with, when it is in the room it asked for already; then `room` is undefined. */
  readonly entered?: JoinedFacts | undefined;
  /** Who takes part in its room now; told when it missed no such list. */
  readonly participants?: readonly JsonObject[];
  /** What was missed, in order. */
  readonly missed: readonly DeliveredEvent[];
}

export interface JoinedFacts {
  readonly room: CurrentRoom;
  readonly self: Member;
  readonly others: readonly Member[];
  /** What its backend allows from now on; undefined: as before. */
  readonly permissions?: readonly string[];
  /** The room's short-lived values. */
  readonly transient?: JsonObject;
  /** The room's part of the position: the snapshot contains everything up to here. */
  readonly cursor: NonNullable<Position['room']>;
  readonly bandwidth?: Bandwidth;
}

export type Input =
  | { readonly kind: 'opened' }
  | { readonly kind: 'frame'; readonly text: string }
  | { readonly kind: 'binary' }
  | { readonly kind: 'timer'; readonly timer: TimerName }
  | ({ readonly kind: 'delivered' } & DeliveredEvent)
  | { readonly kind: 'ended'; readonly reason: EndReason; readonly detail?: string }
  /** Answer to `open-session`. */
  | { readonly kind: 'session-opened'; readonly outcome: Outcome<SessionFacts> }
  /** Answer to `resume-session`. */
  | { readonly kind: 'session-resumed'; readonly outcome: Outcome<ResumedFacts> }
  /** Answer to `join`. */
  | { readonly kind: 'joined'; readonly id: string | undefined; readonly outcome: Outcome<JoinedFacts> }
  /** Answer to `leave`. */
  | { readonly kind: 'left'; readonly id: string | undefined; readonly outcome: Outcome<object> }
  /** Answer to `federate`; the other cluster's own answer travels with what is delivered. */
  | { readonly kind: 'federated'; readonly id: string | undefined; readonly outcome: Outcome<FederatedRoom> }
  /** It is in no room of another cluster any more: answer to `leave-federation`, or it ended by itself. */
  | { readonly kind: 'federation-ended' }
  /** What a client asked for without expecting an answer could not be done. */
  | { readonly kind: 'request-failed'; readonly id: string | undefined; readonly error: WireError }
  /** The virtual sessions it speaks for now. */
  | { readonly kind: 'virtuals-changed'; readonly virtuals: Virtuals }
  /** Answer to `end-session`. */
  | { readonly kind: 'session-ended' }
  /** The socket is gone. */
  | { readonly kind: 'disconnected' }
  /** This replica is going away; the session was given up for resume elsewhere. */
  | { readonly kind: 'shutdown' };

/** What an internal client wants of the sessions it speaks for. */
export type VirtualRequest = Extract<InternalRequest, { kind: 'add-session' | 'update-session' | 'remove-session' }>;

/** A hello that asks for a new session. */
export type NewSessionRequest = Exclude<HelloRequest, { kind: 'resume' }>;

export type Effect =
  /** `position` is reached once the frame has left the process. */
  | { readonly kind: 'send'; readonly frame: Frame; readonly position?: Position }
  /** An event that this client is not told: its position is reached after the frames before it. */
  | { readonly kind: 'mark'; readonly position: Position }
  | { readonly kind: 'close'; readonly code: number }
  /** It is in the call of its room now, or no more. For counting only. */
  | { readonly kind: 'call'; readonly inside: boolean }
  /** The frames before this one answer the request for a room. */
  | { readonly kind: 'answered' }
  | { readonly kind: 'start-timer' | 'stop-timer'; readonly timer: TimerName }
  /** Authenticate and open. */
  | { readonly kind: 'open-session'; readonly hello: NewSessionRequest }
  | {
      readonly kind: 'resume-session';
      readonly resumeId: string;
      readonly lastSeen: Position | undefined;
      /** What the client announced now. */
      readonly features: readonly string[];
    }
  | {
      readonly kind: 'join';
      readonly id: string | undefined;
      readonly roomId: string;
      readonly foreignSessionId: string | undefined;
      /** Its flags in the call, when it has them before it comes (internal clients). */
      readonly inCall: number | undefined;
    }
  | { readonly kind: 'leave'; readonly id: string | undefined }
  | {
      readonly kind: 'relay';
      readonly id: string | undefined;
      readonly recipient: Recipient;
      readonly event: MessageEvent;
    }
  /** The name its backend knows its presence in the room by, from now on. */
  | { readonly kind: 'rename'; readonly id: string | undefined; readonly foreignSessionId: string }
  /** `value` undefined: remove. */
  | {
      readonly kind: 'set-transient';
      readonly id: string | undefined;
      readonly key: string;
      readonly value: JsonValue | undefined;
      readonly ttlMs: number | undefined;
    }
  /** An internal client's own flags. */
  | { readonly kind: 'set-in-call'; readonly id: string | undefined; readonly inCall: number }
  | { readonly kind: 'virtual'; readonly id: string | undefined; readonly request: VirtualRequest }
  /** A bridge tells of a call; `id` may be the one of a question it was asked. */
  | {
      readonly kind: 'dialout-report';
      readonly id: string | undefined;
      readonly roomId: string;
      readonly report: DialoutReport;
    }
  /** A robot has done what this delivery asked of it. */
  | { readonly kind: 'acknowledge'; readonly id: string | undefined; readonly deliveryId: string }
  /** Enter a room of another cluster. */
  | {
      readonly kind: 'federate';
      readonly id: string | undefined;
      readonly roomId: string;
      readonly foreignSessionId: string | undefined;
      readonly target: FederationTarget;
    }
  /** Hand a frame of the client on to the other cluster. */
  | { readonly kind: 'proxy'; readonly text: string }
  /** Leave the other cluster's room, whose answer is the client's; then the connection there ends. */
  | { readonly kind: 'leave-federation'; readonly id: string | undefined }
  /** The connection to the other cluster is of no use any more. */
  | { readonly kind: 'end-federation' }
  /** Give the session up for good. */
  | { readonly kind: 'end-session' }
  /** The connection is lost, the session may be resumed. */
  | { readonly kind: 'detach-session' };

/** What a step answers. */
export interface Step {
  readonly state: ConnectionState;
  readonly effects: readonly Effect[];
}

/** What the machine is told once about the server it speaks for. */
export interface ServerFacts {
  readonly version: string;
  readonly features: readonly string[];
}

/** Close codes. 1001 is never used: the web client does not come back after it. */
export const CLOSE = {
  normal: 1_000,
  /** A frame over the limit. */
  tooBig: 1_009,
  /** This replica goes away; come back, to another one. */
  restart: 1_012,
  /** Reads too slowly, or its log overflowed; come back. */
  tryAgain: 1_013,
} as const;
