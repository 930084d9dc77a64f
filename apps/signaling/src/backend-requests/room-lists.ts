import type { JsonObject, Member, RoomListEvent, RoomSessionId } from '@parley/domain';
import type { LiveSessions } from '@parley/live';
import type { AddressedRoom } from './addressed-room';
import { inBatches } from './in-batches';

/** Tells users what changed in their lists of rooms, wherever they are and in whatever room. */
export class RoomLists {
  constructor(private readonly sessions: Pick<LiveSessions, 'toUser' | 'toSession' | 'byForeignId'>) {}

  async invited(room: AddressedRoom, userIds: readonly string[], properties: JsonObject): Promise<void> {
    await this.toUsers(room, userIds, { kind: 'room-list', change: 'invited', roomName: room.token, properties });
  }

  async updated(room: AddressedRoom, userIds: readonly string[], properties: JsonObject): Promise<void> {
    await this.toUsers(room, userIds, { kind: 'room-list', change: 'updated', roomName: room.token, properties });
  }

  /** Sessions that are in the room now are thrown out after they were told; the others only hear of it. */
  async disinvited(
    room: AddressedRoom,
    who: { readonly userIds: readonly string[]; readonly foreignSessionIds: readonly string[] },
  ): Promise<void> {
    const event = withdrawn(room.token, 'disinvited', room.open?.id);
    await this.toUsers(room, who.userIds, event);
    const known = await this.sessions.byForeignId(room.tenant, [...new Set(who.foreignSessionIds)]);
    await inBatches(new Set(known.values()), (id) => this.sessions.toSession(room.tenant, id, event));
  }

  async deleted(room: AddressedRoom, userIds: readonly string[]): Promise<void> {
    await this.toUsers(room, userIds, withdrawn(room.token, 'deleted', room.open?.id));
  }

  /** Sessions that have to leave a room because it is deleted for them alone. */
  async takenFrom(room: AddressedRoom, members: readonly Pick<Member, 'sessionId'>[]): Promise<void> {
    const event = withdrawn(room.token, 'deleted', room.open?.id);
    await inBatches(members, ({ sessionId }) => this.sessions.toSession(room.tenant, sessionId, event));
  }

  private async toUsers(room: AddressedRoom, userIds: readonly string[], event: RoomListEvent): Promise<void> {
    // Guests have no user id, and so no list of rooms.
    const users = [...new Set(userIds)].filter((userId) => userId !== '');
    await inBatches(users, (userId) => this.sessions.toUser(room.tenant, userId, event));
  }
}

function withdrawn(
  roomName: string,
  reason: 'disinvited' | 'deleted',
  leave: RoomSessionId | undefined,
): RoomListEvent {
  const event = { kind: 'room-list', change: 'disinvited', roomName, reason } as const;
  return leave === undefined ? event : { ...event, leave };
}
