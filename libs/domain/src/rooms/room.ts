import type { DomainName, RoomName, RoomSessionId } from '../kernel/ids';

/** Conference: all equal. Webinar: a host streams, the rest watch. (xroom Appendix A: 1 and 2.) */
export type RoomType = 'conference' | 'webinar';

/** Who opened the room. Decides how long it may stand empty. */
export type OpenedBy = 'api' | 'visitor' | 'backend';

/**
 * The part of a room that the door checks. It carries a version: live state takes only newer ones, so two changes that
 * overtake each other still end in the state PostgreSQL has.
 */
export interface DoorPolicy {
  readonly version: number;
  readonly type: RoomType;
  readonly locked: boolean;
  /** How many may be in at once. */
  readonly capacity: number;
  /** Rises with every change of the password; 0 means none was ever set. A ticket made under another one is refused. */
  readonly passwordVersion: number;
  /** With a host key nobody becomes host by arriving first. */
  readonly hasHostKey: boolean;
}

/** One opening of a room. Secrets are present in the clear only inside a unit of work; stores seal them. */
export interface Room {
  readonly id: RoomSessionId;
  readonly domain: DomainName;
  readonly name: RoomName;
  readonly openedBy: OpenedBy;
  readonly policy: DoorPolicy;
  readonly password: string | null;
  readonly hostKey: string | null;
  readonly openedAt: Date;
  /** When it is to be closed if nothing happens; null: never by itself. */
  readonly closeAfter: Date | null;
}

/** `domain/name`, how the outside names a room. */
export function roomPath(room: { domain: DomainName; name: RoomName }): string {
  return `${room.domain}/${room.name}`;
}
