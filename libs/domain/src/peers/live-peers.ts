import type { RoomSessionId, SessionId } from '../kernel/ids';
import type { Role } from '../sessions/core-event';

/** One presence of somebody in a room. */
export interface Presence {
  readonly sessionId: SessionId;
  /** Its place in the order of arrival, which tells one presence from the next: also when it came, in ms since 1970. */
  readonly order: number;
  /** What it came in as. */
  readonly role: Role;
  /** Empty for guests without an identity. */
  readonly userId: string;
  readonly displayName?: string;
}

/** Somebody came into a room or went out of it. */
export type PeerChange =
  | { readonly kind: 'joined'; readonly presence: Presence }
  | {
      readonly kind: 'left';
      readonly sessionId: SessionId;
      readonly order: number;
      /** By the live store's clock. */
      readonly at: Date;
    };

/** Where a reader stands in a room's comings and goings. Numbers of different generations say nothing of each other. */
export interface PeerCursor {
  readonly generation: string;
  readonly n: number;
}

/** A room's comings and goings after a cursor. */
export interface PeerNews {
  /** Where a reader stands that has taken all of this in. */
  readonly cursor: PeerCursor;
  /** The live store's time. */
  readonly now: Date;
  /** How long it may still take until everybody who is in has been given back to a store that lost the room, in ms. */
  readonly settlesInMs: number;
  /** In order; undefined when they are not kept that far back. Of a generation other than the cursor's: from its first. */
  readonly changes: readonly PeerChange[] | undefined;
  /** Who is in after `changes`; undefined when those follow right after the cursor and tell it all. */
  readonly present: readonly Presence[] | undefined;
  /**
   * What this replica did after the reader's cursor, in order, that `changes` cannot tell: in generations that the store
   * has lost since, or before a reader that begins `now`. Told again until it is forgotten.
   */
  readonly lost: readonly PeerChange[];
}

/** Comings and goings of the members of rooms, kept for a while by the live layer. All of it holds across replicas. */
export interface LivePeers {
  /** @param since `first`: from the room's first coming on; `now`: only who is in */
  peerNews(room: RoomSessionId, since: PeerCursor | 'first' | 'now'): Promise<PeerNews>;
  /** Where a reader would stand that took everything in. Rooms that nobody ever entered are left out. */
  peerCursors(rooms: readonly RoomSessionId[]): Promise<ReadonlyMap<RoomSessionId, PeerCursor>>;
  /** These news are told, and need not be remembered by this replica. Without them: nobody wants to hear of this room. */
  forgetPeers(room: RoomSessionId, told?: Pick<PeerNews, 'cursor' | 'lost'>): void;
}
