import {
  type DomainName,
  type MovedEvent,
  type RegionEntry,
  type RegionId,
  type Room,
  roomPath,
  type RoomService,
  type RoomStore,
} from '@parley/domain';
import type { LiveSessions } from '@parley/live';

/** Rooms that are closed side by side. */
const AT_ONCE = 16;

export interface RoomClearingParts {
  readonly store: Pick<RoomStore, 'listOpen'>;
  /** May write to domains that are on their way. */
  readonly rooms: Pick<RoomService, 'closeForBackend'>;
  readonly sessions: Pick<LiveSessions, 'toRoom'>;
  readonly regions: { find(id: RegionId): RegionEntry | undefined };
}

/** Empties the rooms of a domain that moves to another region: who is in is told where it goes on, then the room is closed. */
export class RoomClearing {
  constructor(private readonly parts: RoomClearingParts) {}

  /** May be repeated. Rejects when one could not be closed; the others are. */
  async clear(domain: DomainName, to: RegionId): Promise<void> {
    const open = await this.parts.store.listOpen(domain);
    const failures: unknown[] = [];
    for (let at = 0; at < open.length; at += AT_ONCE) {
      const outcomes = await Promise.allSettled(open.slice(at, at + AT_ONCE).map((room) => this.clearOne(room, to)));
      failures.push(
        ...outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : [])),
      );
    }
    if (failures.length > 0) throw failures[0];
  }

  private async clearOne(room: Room, to: RegionId): Promise<void> {
    // Who comes into the room of a foreign backend follows that backend.
    if (room.openedBy !== 'backend')
      await this.parts.sessions.toRoom(room.id, signTo(room, this.parts.regions.find(to), to));
    await this.parts.rooms.closeForBackend(room.id);
  }
}

/** Where a room goes on, told to those in it before it closes: both stand in the order of the room, so nobody misses a word. */
export function signTo(
  { domain, name }: Pick<Room, 'domain' | 'name'>,
  home: RegionEntry | undefined,
  to: RegionId,
): MovedEvent {
  const url = home === undefined ? {} : { url: `${home.signalingUrl}/spreed` };
  return { kind: 'moved', roomName: roomPath({ domain, name }), details: { region: to, ...url } };
}
