import type { JsonValue, RoomService, TenantKey } from '@parley/domain';
import type { Live } from '@parley/live';
import {
  ACCEPTED,
  checkDialout,
  refuse,
  type BackendReply,
  type BackendRequest,
  type Move,
} from '@parley/protocol-spreed-signaling';
import type { ParticipantsBoard } from '../spreed/participants-board';
import type { AddressedRoom, OpenRoomOrder } from './addressed-room';
import { CallStates } from './call-states';
import type { Dialout } from './dialout';
import { inBatches } from './in-batches';
import { RoomLists } from './room-lists';

export interface BackendRequestsParts {
  readonly live: Pick<Live, 'sessions' | 'rooms'>;
  readonly rooms: Pick<RoomService, 'closeForBackend'>;
  readonly board: ParticipantsBoard;
  readonly dialout: Dialout;
}

type RequestOf<Type extends BackendRequest['type']> = Extract<BackendRequest, { type: Type }>;

/**
 * Carries out what backends ask for (brief 2.9). Everything may be repeated: backends try again when an answer is lost.
 */
export class BackendRequests {
  private readonly lists: RoomLists;
  private readonly calls: CallStates;

  constructor(private readonly parts: BackendRequestsParts) {
    this.lists = new RoomLists(parts.live.sessions);
    this.calls = new CallStates(parts.live, parts.board);
  }

  /** @throws when a store does not answer; some of it may be done then */
  async carryOut(room: AddressedRoom, request: BackendRequest): Promise<BackendReply> {
    switch (request.type) {
      case 'invite':
      case 'disinvite':
      case 'update':
      case 'delete':
        await this.changeLists(room, request);
        return ACCEPTED;
      case 'participants':
      case 'incall':
      case 'incall-all':
      case 'message':
        if (room.open !== undefined) await this.tellRoom(room.tenant, room.open, request);
        return ACCEPTED;
      case 'switchto':
        if (request.moves === undefined) return refuse('failed');
        await this.move(room.tenant, request.roomId, request.moves);
        return ACCEPTED;
      case 'dialout':
        return this.dialOut(room, request);
    }
  }

  private async changeLists(
    room: AddressedRoom,
    request: RequestOf<'invite' | 'disinvite' | 'update' | 'delete'>,
  ): Promise<void> {
    switch (request.type) {
      case 'invite':
        await this.lists.invited(room, request.userIds, request.properties);
        return this.lists.updated(room, without(request.allUserIds, request.userIds), request.properties);
      case 'disinvite':
        await this.lists.disinvited(room, request);
        return this.lists.updated(room, without(request.allUserIds, request.userIds), request.properties);
      case 'update': {
        const { open } = room;
        if (open !== undefined) await this.parts.live.rooms.setProperties(open.id, request.properties, open.order);
        return this.lists.updated(room, request.userIds, request.properties);
      }
      case 'delete':
        await this.close(room);
        return this.lists.deleted(room, request.userIds);
    }
  }

  private async close(room: AddressedRoom): Promise<void> {
    const { open, backend } = room;
    if (open === undefined) return;
    // First: who hears that the room is gone is out of it, and need not be thrown out as well.
    if (open.isBackends) return this.parts.rooms.closeForBackend(open.id);
    // Somebody else's room of that name: only those who are in it by this backend's word have to go.
    const members = await this.parts.live.rooms.members(open.id);
    const its = members.filter(({ foreign }) => foreign?.backend === backend.id);
    await this.lists.takenFrom(room, its);
  }

  private async tellRoom(
    tenant: TenantKey,
    open: OpenRoomOrder,
    request: RequestOf<'participants' | 'incall' | 'incall-all' | 'message'>,
  ): Promise<void> {
    switch (request.type) {
      case 'participants':
        return this.calls.participants(tenant, open, request);
      case 'incall':
        return this.calls.inCall(tenant, open, request);
      case 'incall-all':
        return request.flags === undefined ? undefined : this.calls.allInCall(open, request.flags);
      case 'message':
        return this.announce(open, request.data);
    }
  }

  private async announce(open: OpenRoomOrder, data: JsonValue | undefined): Promise<void> {
    if (data !== undefined) await this.parts.live.sessions.toRoom(open.id, { kind: 'announcement', data });
  }

  /** Only sessions of the backend that asks can be sent somewhere. */
  private async move(tenant: TenantKey, roomName: string, moves: readonly Move[]): Promise<void> {
    const { sessions } = this.parts.live;
    if (moves.length === 0) return;
    const wanted = new Map(moves.map(({ foreignSessionId, details }) => [foreignSessionId, details]));
    const known = await sessions.byForeignId(tenant, [...wanted.keys()]);
    await inBatches(known, ([foreignId, id]) => {
      const details = wanted.get(foreignId);
      const event = { kind: 'moved', roomName, ...(details === undefined ? {} : { details }) } as const;
      return sessions.toSession(tenant, id, event);
    });
  }

  private async dialOut(room: AddressedRoom, { number, options }: RequestOf<'dialout'>): Promise<BackendReply> {
    const { backend, tenant, token } = room;
    const checked = checkDialout(number, token);
    if (!checked.ok) return checked.error;
    return this.parts.dialout.start({ backend, tenant, roomId: token, number, options });
  }
}

function without(all: readonly string[], some: readonly string[]): readonly string[] {
  const left = new Set(some);
  return all.filter((userId) => !left.has(userId));
}
