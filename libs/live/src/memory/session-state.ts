import type { ReplicaId, RoomSessionId, SessionId } from '@parley/domain';
import type { EndReason, SessionRecord } from '../port';
import type { Checkpoint, RoomPosition, StoredRequest } from '../store';
import type { MemoryLog } from './log';

/** A session as the store knows it. */
export interface SessionState {
  record: SessionRecord;
  /** Who speaks for it, if it is a virtual session. */
  readonly parent: SessionId | undefined;
  epoch: number;
  owner: ReplicaId;
  state: 'attached' | 'detached' | 'ended';
  /** When it was detached or ended. */
  since: number;
  readonly log: MemoryLog;
  checkpoint: Checkpoint;
  joinedAt: RoomPosition | undefined;
  /** The room it has still to be taken out of after a change of rooms. */
  previous: RoomPosition | undefined;
  joining: { readonly room: RoomSessionId; readonly attempt: number } | undefined;
  joinBegunAt: number;
  attempts: number;
  /** By which it is in its room; 0: that is not known any more. */
  doneAttempt: number;
  /** By which it was in the previous one. */
  previousAttempt: number;
  /** An attempt that must not be finished any more. */
  withdrawn: number;
  request: StoredRequest | undefined;
  quiet: boolean;
  reason: EndReason;
  detail: string;
}

/** How the store's parts find a session. */
export interface SessionAccess {
  get(id: SessionId): SessionState | undefined;
  /** Not when it has ended. */
  living(id: SessionId): SessionState | undefined;
  /** Only for the owner of this epoch. */
  mine(id: SessionId, epoch: number): SessionState | undefined;
}
