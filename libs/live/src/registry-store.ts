import type { ReplicaId, RoomSessionId, SessionId, TenantKey } from '@parley/domain';

export interface Beat {
  /** Another one than before: the store lost what it had, or a part of it. */
  readonly generation: string;
  /** The last beat is so long ago that others may have taken this replica for dead. */
  readonly lapsed: boolean;
  readonly dead: readonly { readonly replica: ReplicaId; readonly agoMs: number }[];
}

export interface DueSession {
  readonly session: SessionId;
  /** Proof of the claim; the entry changes when somebody else writes it. */
  readonly claim: string;
}

export interface DueRoom {
  readonly room: RoomSessionId;
  readonly claim: string;
}

/** What is counted over all replicas. */
export type Listed = 'sessions' | 'rooms';

/** Lists of things that live under their own keys. They may be ahead of the truth, never behind it. */
export interface RegistryStore {
  beat(replica: ReplicaId): Promise<Beat>;
  /** As a beat would say, without one. Empty: there is none yet. */
  generation(): Promise<string>;
  /** Forgets a replica, if it is still silent. */
  retire(replica: ReplicaId): Promise<void>;
  own(replica: ReplicaId, session: SessionId): Promise<void>;
  disown(replica: ReplicaId, session: SessionId): Promise<void>;
  owned(replica: ReplicaId): Promise<readonly SessionId[]>;
  addUser(tenant: TenantKey, userId: string, session: SessionId): Promise<void>;
  removeUser(tenant: TenantKey, userId: string, session: SessionId): Promise<void>;
  userSessions(tenant: TenantKey, userId: string): Promise<readonly SessionId[]>;
  /**
   * Counts a session of its tenant until it is dismissed or was not counted again for a while. False: it is not counted
   * yet and there are `limit` already.
   */
  admit(tenant: TenantKey, session: SessionId, limit?: number): Promise<boolean>;
  dismiss(tenant: TenantKey, session: SessionId): Promise<void>;
  count(tenant: TenantKey): Promise<number>;
  /** Notes who has a foreign id; answers who had it before, if that was somebody else. */
  claimForeign(tenant: TenantKey, foreignId: string, session: SessionId): Promise<SessionId | undefined>;
  /** Notes it again, unless somebody else has it. */
  keepForeign(tenant: TenantKey, foreignId: string, session: SessionId): Promise<void>;
  /** Gives it up (to `heir`), unless somebody else has it. */
  releaseForeign(tenant: TenantKey, foreignId: string, session: SessionId, heir?: SessionId): Promise<void>;
  foreignHolder(tenant: TenantKey, foreignId: string): Promise<SessionId | undefined>;
  /** Notes what there is, for a while, for those who count. */
  enlist(kind: Listed, ids: readonly string[]): Promise<void>;
  delist(kind: Listed, id: string): Promise<void>;
  listed(kind: Listed): Promise<number>;
  addVirtual(parent: SessionId, virtual: SessionId): Promise<void>;
  removeVirtual(parent: SessionId, virtual: SessionId): Promise<void>;
  virtuals(parent: SessionId): Promise<readonly SessionId[]>;
  /** Has somebody look at a session after a while. */
  schedule(session: SessionId, inMs: number): Promise<void>;
  /** Claims what is due; unfinished claims come up again. */
  claimDue(limit: number): Promise<readonly DueSession[]>;
  /** The claimed work is done; with `againInMs` it comes up again. */
  settleDue(due: DueSession, againInMs?: number): Promise<void>;
  /** Has somebody look at a room after a while, unless that is to happen sooner anyway. */
  scheduleRoom(room: RoomSessionId, inMs: number): Promise<void>;
  claimDueRooms(limit: number): Promise<readonly DueRoom[]>;
  settleDueRoom(due: DueRoom, againInMs?: number): Promise<void>;
}
