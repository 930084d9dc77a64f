import type { DoorPolicy, ForeignPresence, JsonObject, RoomSessionId } from '@parley/domain';
import type { Expected, JoinRequest } from '@parley/live';
import type { Bandwidth, WireError } from '@parley/protocol-spreed-signaling';

/** What a session may enter, before the live layer is asked. */
export interface Admitted {
  readonly roomId: string;
  readonly request: Omit<JoinRequest, 'member'>;
  readonly foreignSessionId?: string;
  readonly foreign?: ForeignPresence;
  /** Its backend was told that it comes, and has to hear when it does not. */
  readonly expected?: Expected;
  /** Who it is in this room, where that differs from what the session is known as. */
  readonly userId?: string;
  readonly bandwidth?: Bandwidth;
  readonly permissions?: readonly string[];
  readonly properties: JsonObject | undefined;
  /** Undefined: the role decides. */
  readonly mayControl: boolean | undefined;
}

/** An answer that is no refusal of the core's. */
export class Refusal extends Error {
  constructor(readonly wire: WireError) {
    super(wire.code);
  }
}

/** Who decided about entry already leaves nothing for the door but the room's capacity. */
export function trustedRequest(
  room: { id: RoomSessionId; policy: DoorPolicy },
  role: 'guest' | 'by-arrival',
): Omit<JoinRequest, 'member'> {
  return { room: room.id, policy: room.policy, role, passwordVersion: 'exempt', passesLock: true };
}
