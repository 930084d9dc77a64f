import type { DoorPolicy, Member, SessionId } from '@parley/domain';
import type { MemoryLog } from './log';

/** A room as the store knows it. */
export interface RoomState {
  readonly generation: string;
  readonly log: MemoryLog;
  readonly members: Map<SessionId, { member: Member; attempt: number }>;
  policy: DoorPolicy | undefined;
  closing: boolean;
  closed: boolean;
  lastOrder: number;
}
