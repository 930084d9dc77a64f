import { backendRoomName, parseRoomPath, type Room, type RoomStore } from '@parley/domain';
import type { SessionRecord } from '@parley/live';
import type { Backend, BackendStore } from '@parley/persistence';
import { rightOf } from './entry-right';

/** An open room that an internal client names, and the foreign backend it belongs to, if it does. */
export interface NamedRoom {
  readonly room: Room;
  readonly backend: Backend | null;
}

/** Finds rooms that internal clients speak about without being in them. */
export class InternalRooms {
  constructor(
    private readonly backends: Pick<BackendStore, 'byId'>,
    private readonly rooms: Pick<RoomStore, 'findOpen'>,
  ) {}

  /** Undefined: there is no such room, or it is not this client's business. */
  async find(record: SessionRecord, roomId: string): Promise<NamedRoom | undefined> {
    const right = rightOf(record);
    if (right.kind !== 'internal') return undefined;
    if (right.backendId === null) return this.ownRoom(record, roomId);
    const backend = await this.backends.byId(right.backendId);
    const name = backend === null ? undefined : backendRoomName(backend, roomId);
    if (backend === null || name === undefined) return undefined;
    const room = await this.rooms.findOpen(backend.domain, name);
    return room === null ? undefined : { room, backend };
  }

  private async ownRoom({ tenant }: SessionRecord, roomId: string): Promise<NamedRoom | undefined> {
    const path = parseRoomPath(roomId);
    if (!path.ok) return undefined;
    const { domain, name } = path.value;
    if (tenant !== 'internal' && tenant !== `domain:${domain}`) return undefined;
    const room = await this.rooms.findOpen(domain, name);
    return room === null ? undefined : { room, backend: null };
  }
}
