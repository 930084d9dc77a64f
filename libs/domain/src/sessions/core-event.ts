import type { JsonObject, JsonValue } from '../kernel/json';
import type { RoomSessionId, SessionId } from '../kernel/ids';

/** What a participant may do in a room. Protocols translate it (xroom: host is 1 or 3, guest 2 or 4). */
export type Role = 'host' | 'guest';

/**
 * How a session came to be. `client` is a person, `internal` a trusted service of the operator, `virtual` somebody an
 * internal client speaks for, `federation` a person of another cluster, `robot` an automaton of an account, which is told
 * what its webhooks listen to and is in no room.
 */
export type SessionKind = 'client' | 'internal' | 'virtual' | 'federation' | 'robot';

/** How to speak with the owner of a room's data (a Nextcloud) about a participant. Never shown to others. */
export interface ForeignPresence {
  /** Id of the backend. */
  readonly backend: string;
  /** Where it is asked and told. */
  readonly url: string;
  /** Its own name of the room. */
  readonly room: string;
  /** Who it said this is; empty for guests. */
  readonly userId: string;
  /** By what else it knows a virtual session, when it does. */
  readonly actor?: { readonly id: string; readonly type: string };
}

/** One participant as the others in the room see it. */
export interface Member {
  readonly sessionId: SessionId;
  readonly kind: SessionKind;
  readonly role: Role;
  /** Empty for guests without an identity. */
  readonly userId: string;
  readonly displayName?: string;
  /** More about the user, as the authenticating side told it; opaque to the core. */
  readonly user?: JsonObject;
  /** Client features, echoed to the others. */
  readonly features?: readonly string[];
  /** The name the owner of the room's data has for this presence (a Nextcloud session id). Absent for our own tickets. */
  readonly foreignSessionId?: string;
  readonly foreign?: ForeignPresence;
  /** What it does in the call: 0 not in it, bits 1 in call, 2 audio, 4 video, 8 phone. Absent: nobody ever said. */
  readonly inCall?: number;
  /** State of a virtual participant: bits 1 muted speaking, 2 muted listening, 4 talking. */
  readonly flags?: number;
  /** Place in the order of arrival; the longest present has the lowest. */
  readonly order: number;
}

/** Who a message comes from. */
export interface Sender {
  readonly sessionId: SessionId;
  readonly userId: string;
}

/** What a signaling payload means, for protocols that have to translate it. */
export type SignalKind = 'offer' | 'answer' | 'candidate' | 'end' | 'chat' | 'app';

/** A payload from one participant to others. `raw` passes untouched between clients of the same dialect. */
export interface MessageEvent {
  readonly kind: 'message';
  /** Whether receivers treat it as a plain message or as a moderator's order. */
  readonly channel: 'message' | 'control';
  /** How the sender addressed it. */
  readonly addressed: 'session' | 'user' | 'room' | 'call';
  readonly sender: Sender;
  /** The protocol package that wrote `raw`. */
  readonly dialect: string;
  /** The payload as JSON text. */
  readonly raw: string;
  readonly signal?: SignalKind;
  /** Whom it was meant for, when the receiver speaks for somebody else (a virtual session). */
  readonly recipient?: SessionId;
}

/** Participants came in. */
export interface JoinedEvent {
  readonly kind: 'joined';
  readonly members: readonly Member[];
}

/** Participants are gone. */
export interface LeftEvent {
  readonly kind: 'left';
  readonly sessionIds: readonly SessionId[];
}

/** Participants changed, e.g. the longest present became host. */
export interface ChangedEvent {
  readonly kind: 'changed';
  readonly members: readonly Member[];
}

/** The room's own properties changed. */
export interface RoomChangedEvent {
  readonly kind: 'room-changed';
  readonly properties: JsonObject;
  /** Its place among the changes of these properties; absent for what follows from the door's rules. */
  readonly order?: number;
}

/** The room is closed; everybody is out. */
export interface RoomClosedEvent {
  readonly kind: 'room-closed';
}

/** This session was thrown out of its room. Its ticket and resume id are burnt. */
export interface KickedEvent {
  readonly kind: 'kicked';
}

/** Something about a room one may or may not be in: for lists of rooms. */
export interface RoomListEvent {
  readonly kind: 'room-list';
  readonly change: 'invited' | 'disinvited' | 'updated';
  /** The room as the owner of its data names it. */
  readonly roomName: string;
  readonly properties?: JsonObject;
  /** Why a `disinvited` was sent. */
  readonly reason?: 'disinvited' | 'deleted';
  /** A receiver that is in this room is thrown out after it was told. */
  readonly leave?: RoomSessionId;
  /** Whom it was meant for, when the receiver speaks for somebody else (a virtual session). */
  readonly recipient?: SessionId;
}

/** Who takes part in the call of the room, in the words of the owner of its data; ids are translated already. */
export interface ParticipantsEvent {
  readonly kind: 'participants';
  readonly users: readonly JsonObject[];
  /** Who is in the call, as the live layer has it. Clients are not told. */
  readonly inCall?: readonly SessionId[];
  /** Its place among such events of the room: one with a lower order says less and is not told any more. */
  readonly order?: number;
}

/** Everybody in the room entered (or, without bit 1, left) the call. */
export interface AllInCallEvent {
  readonly kind: 'all-in-call';
  readonly inCall: number;
}

/** The flags of a virtual participant changed. */
export interface FlagsEvent {
  readonly kind: 'flags';
  readonly sessionId: SessionId;
  readonly flags: number;
}

/** The owner of the room's data says something to everybody in it. */
export interface AnnouncementEvent {
  readonly kind: 'announcement';
  readonly data: JsonValue;
}

/** The receiver shall go on in another room. */
export interface MovedEvent {
  readonly kind: 'moved';
  readonly roomName: string;
  readonly details?: JsonValue;
}

/** One of the room's short-lived values was written or went. */
export interface TransientEvent {
  readonly kind: 'transient';
  readonly change: 'set' | 'remove';
  readonly key: string;
  readonly value?: JsonValue;
  /** What was there before. */
  readonly oldValue?: JsonValue;
  /** When it goes by itself, in milliseconds by the store's clock. For the live layer; clients are not told. */
  readonly expiresAt?: number;
}

/** What the receiver may do from now on, in the words of the owner of its data. For its driver; clients are not told. */
export interface PermissionsEvent {
  readonly kind: 'permissions';
  readonly permissions: readonly string[];
}

/** A service that works for the room tells everybody in it something, e.g. that a call by phone failed. */
export interface NoticeEvent {
  readonly kind: 'notice';
  /** What about, e.g. `dialout`. */
  readonly topic: string;
  readonly data: JsonObject;
}

/** Somebody waits for the receiver to answer `askId`. */
export interface AskEvent {
  readonly kind: 'ask';
  readonly askId: string;
  /** What about, e.g. `dialout`. */
  readonly topic: string;
  readonly data: JsonObject;
}

/** What a session in a room of another cluster hears from there: one frame of its own protocol, ready to be written. */
export interface RelayedEvent {
  readonly kind: 'relayed';
  /** The protocol package that wrote `raw`. */
  readonly dialect: string;
  readonly raw: string;
  /** Where in what the other cluster sends this stands, for whoever goes on with the connection to it. */
  readonly mark?: string;
}

/** An event that a robot is handed because a webhook of its account listens to it. */
export interface WebhookDeliveryEvent {
  readonly kind: 'webhook-delivery';
  /** What it is told; `id` is what it acknowledges. */
  readonly body: JsonObject & { readonly id: string };
  /** The whole body, sealed, where it tells secrets: those pass through no live store. `body` says the id alone then. */
  readonly sealed?: string;
}

/** Everything that reaches a session through the bus. */
export type CoreEvent =
  | MessageEvent
  | JoinedEvent
  | LeftEvent
  | ChangedEvent
  | RoomChangedEvent
  | RoomClosedEvent
  | KickedEvent
  | RoomListEvent
  | ParticipantsEvent
  | AllInCallEvent
  | FlagsEvent
  | AnnouncementEvent
  | MovedEvent
  | TransientEvent
  | PermissionsEvent
  | NoticeEvent
  | AskEvent
  | RelayedEvent
  | WebhookDeliveryEvent;
