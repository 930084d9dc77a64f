import type { DomainName, RoomName, RoomSessionId, SessionId } from '../kernel/ids';
import type { EventPayloads } from '../webhooks/events';
import type { PeerCursor, Presence } from './live-peers';

/** What is told of somebody. */
export type PeerFacts = EventPayloads['peer.joined'];

/** What tells one presence from another. */
export type PresenceId = Pick<Presence, 'sessionId' | 'order'>;

/** Somebody who was told to have come and not to have gone. */
export interface ToldPeer {
  readonly sessionId: SessionId;
  /** Its place in the order of arrival. */
  readonly order: number;
  readonly facts: PeerFacts;
}

/** How far an open room's comings and goings have been told. */
export interface PeerAccount {
  readonly room: RoomSessionId;
  readonly domain: DomainName;
  readonly roomName: RoomName;
  /** `first`: nothing was told, and all of it is to be; `now`: what was before does not count. */
  readonly since: PeerCursor | 'first' | 'now';
}

/** A room with somebody to be told, or with something that was told. */
export interface PeerStanding {
  readonly room: RoomSessionId;
  readonly since: PeerAccount['since'];
  /** Somebody was told to have come and not to have gone. */
  readonly occupied: boolean;
}

/**
 * Who was told to be in which room. A room is told of while a webhook that deliveries are made for listens to one of
 * its peer events, or its domain wants them to be read; from its opening on when that is so then, else from when it is
 * first looked at.
 */
export interface PeerStore {
  /** Which of these are open and have somebody to be told. */
  heard(rooms: readonly RoomSessionId[]): Promise<readonly RoomSessionId[]>;
  /**
   * Locks the room until the end of the transaction. Null when it has nobody to be told, or is closed.
   * @param ending the room was closed in this transaction
   */
  open(room: RoomSessionId, ending?: 'ending'): Promise<PeerAccount | null>;
  /** @param only of these sessions */
  told(room: RoomSessionId, only?: readonly SessionId[]): Promise<readonly ToldPeer[]>;
  /** Which of these presences were ever told to have come. */
  everTold(room: RoomSessionId, presences: readonly PresenceId[]): Promise<readonly PresenceId[]>;
  /** Notes who came and who went, and how far that goes; without a cursor that stays as it is. */
  save(
    room: RoomSessionId,
    changes: {
      readonly came: readonly ToldPeer[];
      readonly gone: readonly SessionId[];
      readonly cursor?: PeerCursor | 'first';
    },
  ): Promise<void>;
  /** Open rooms of which something may have to be told, by id after `after`. */
  standings(after: RoomSessionId | null, limit: number): Promise<readonly PeerStanding[]>;
  /** Forgets what was told in open rooms with nobody to be told any more: who listens next begins anew. */
  forgetUnheard(): Promise<void>;
}
