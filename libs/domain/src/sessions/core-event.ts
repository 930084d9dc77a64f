import type { JsonObject } from '../kernel/json';
import type { SessionId } from '../kernel/ids';

/** What a participant may do in a room. Protocols translate it (xroom: host is 1 or 3, guest 2 or 4). */
export type Role = 'host' | 'guest';

/**
 * How a session came to be. `client` is a person, `internal` a trusted service of the operator, `virtual` somebody an
 * internal client speaks for, `federation` a person of another cluster.
 */
export type SessionKind = 'client' | 'internal' | 'virtual' | 'federation';

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
}

/** The room is closed; everybody is out. */
export interface RoomClosedEvent {
  readonly kind: 'room-closed';
}

/** This session was thrown out of its room. Its ticket and resume id are burnt. */
export interface KickedEvent {
  readonly kind: 'kicked';
}

/** Everything that reaches a session through the bus. */
export type CoreEvent =
  MessageEvent | JoinedEvent | LeftEvent | ChangedEvent | RoomChangedEvent | RoomClosedEvent | KickedEvent;
