import type { CoreEvent, JsonObject, RoomSessionId, SessionId } from '@parley/domain';
import type { Cursor, Delivery, EndReason, JoinOutcome, JoinRequest, SessionRecord } from './port';

/** The connection's side of a session: called by the live layer on the replica that owns it, strictly in order. */
export interface SessionSink {
  deliver(delivery: Delivery): void;
  /**
   * Takes an event that is in no log, if the client can be given it in this turn; `cursor` is where the session stands.
   * What was taken and cannot be written is handed to {@link OwnedSession.keep}. False or missing: not taken.
   */
  deliverDirectly?(delivery: Delivery): boolean;
  /** Writes what it would write at the end of this turn. */
  flush?(): void;
  /** An event that was taken directly and kept has its place in the log: here. */
  passed?(cursor: Cursor): void;
  /** Last call. Nothing is delivered afterwards. */
  ended(reason: EndReason, detail?: string): void;
}

/** What the protocol was asked and has not been seen to answer, in its own words. */
export interface OpenRequest {
  /** Never the same twice. */
  readonly token: string;
  readonly body: JsonObject;
}

/** A session as the replica that owns it holds it. */
export interface OwnedSession {
  readonly record: SessionRecord;
  readonly epoch: number;
  /** The room it is in, if any. */
  readonly room: RoomSessionId | undefined;
  /** Everything up to here was handed to the socket and left the process. Kept at once here, checkpointed every second. */
  acknowledge(cursor: Cursor): void;
  /**
   * Sends past the store, to a session of this replica that can take it now. False: send it over the bus. Never lost
   * while both replica and receiver's connection live; kept in the receiver's log when that connection breaks.
   */
  sendDirectly(to: SessionId, event: CoreEvent): boolean;
  /**
   * Whether what was delivered may still be written: undefined when it may. Else this replica has not been heard of for so
   * long (it stood still, or the store was away) that the session may have gone on elsewhere; settles when to ask again. A
   * session that did is `ended` before.
   */
  doubt(): Promise<void> | undefined;
  /** Around everything the session does over the bus, so that it keeps its order with what is sent directly. */
  overBus<T>(work: () => Promise<T>): Promise<T>;
  /** Appends events that were taken directly and could not be written. */
  keep(events: readonly CoreEvent[]): void;
  /** What the last connection was asked and did not answer, or this one is about to. */
  readonly request: OpenRequest | undefined;
  /**
   * Keeps what was asked for whoever resumes the session, in the place of the one before.
   * @throws DomainError `session_not_found` when the session is held elsewhere by now
   */
  begin(body: JsonObject): Promise<void>;
  /** The answer has left the process. */
  settle(request: OpenRequest): void;
  /** Enters a room, leaving the present one first. On refusal it stays where it was. */
  join(request: JoinRequest): Promise<JoinOutcome>;
  /** Leaves its room; no-op outside one. */
  leave(): Promise<void>;
  /** The connection broke: the resume window starts, it stays in its room. */
  detach(): Promise<void>;
  /** Says good-bye: leaves and is gone. The sink hears nothing. */
  close(): Promise<void>;
}
