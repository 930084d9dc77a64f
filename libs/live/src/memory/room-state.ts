import type { DoorPolicy, Member, PeerChange, SessionId } from '@parley/domain';
import type { Ordered } from '../state-store';
import type { MemoryLog } from './log';

/** A room as the store knows it. */
export interface RoomState {
  readonly generation: string;
  /** When its generation began. */
  readonly born: number;
  /** The latest comings and goings, and how many there were. */
  readonly peers: { count: number; kept: { readonly at: number; readonly change: PeerChange }[] };
  readonly log: MemoryLog;
  readonly members: Map<SessionId, { member: Member; attempt: number; patched: number }>;
  policy: DoorPolicy | undefined;
  closing: boolean;
  closed: boolean;
  lastOrder: number;
  /** The last number given to callers. */
  serial: number;
  properties: Ordered | undefined;
  readonly documents: Map<string, Ordered>;
  readonly transient: Map<string, { json: string; expiresAt: number }>;
}
