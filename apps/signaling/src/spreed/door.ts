import {
  DomainError,
  isDomainError,
  parseRoomPath,
  roomPath,
  type DomainErrorCode,
  type DoorPolicy,
  type EntryService,
  type ForeignPresence,
  type LiveRooms,
  type JsonObject,
  type Room,
  type RoomService,
  type RoomSessionId,
  type RoomStore,
  type SessionId,
} from '@parley/domain';
import type { JoinOutcome, JoinRequest, LiveSessions, OwnedSession } from '@parley/live';
import type { Backend, BackendStore } from '@parley/persistence';
import {
  actorOf,
  thrownToWire,
  wireError,
  type Bandwidth,
  type CurrentRoom,
  type JoinedFacts,
  type WireError,
} from '@parley/protocol-spreed-signaling';
import { backendRoomName, backendRoomToken } from './backend-rooms';
import { rightOf, type EntryRight } from './entry-right';
import type { LeaveNotices } from './leave-notices';
import type { NextcloudClient } from './nextcloud-client';

export type JoinAnswer = ({ readonly ok: true } & JoinedFacts) | { readonly ok: false; readonly error: WireError };

/** What a session may enter, before the live layer is asked. */
interface Admitted {
  readonly roomId: string;
  readonly request: Omit<JoinRequest, 'member'>;
  readonly foreignSessionId?: string;
  readonly foreign?: ForeignPresence;
  /** Who it is in this room, where that differs from what the session is known as. */
  readonly userId?: string;
  readonly bandwidth?: Bandwidth;
  readonly permissions?: readonly string[];
  readonly properties: JsonObject | undefined;
  /** Undefined: the role decides. */
  readonly mayControl: boolean | undefined;
}

export interface DoorParts {
  readonly entry: EntryService;
  readonly rooms: RoomService;
  readonly roomStore: Pick<RoomStore, 'findById'>;
  readonly live: Pick<LiveRooms, 'members'>;
  readonly sessions: Pick<LiveSessions, 'byForeignId' | 'end' | 'setPermissions' | 'setUserId'>;
  readonly notices: Pick<LeaveNotices, 'silently'>;
  readonly backends: BackendStore;
  readonly nextcloud: NextcloudClient;
}

const REFUSALS = {
  room_locked: 'The room is locked.',
  room_full: 'The room is full.',
  room_closing: 'The room is just being closed.',
  wrong_password: 'The password was changed; ask for a new ticket.',
} as const satisfies Partial<Record<DomainErrorCode, string>>;

/** Lets sessions into rooms by the right they have. */
export class Door {
  constructor(private readonly parts: DoorParts) {}

  /**
   * @param roomId the room as the client names it
   * @param foreignSessionId the name its backend knows it by
   * @param inCall its flags in the call, when it brings any
   */
  async join(
    session: OwnedSession,
    roomId: string,
    foreignSessionId: string | undefined,
    inCall?: number,
  ): Promise<JoinAnswer> {
    try {
      const admitted = await this.admit(session, rightOf(session.record), roomId, foreignSessionId);
      const { kind, displayName, user, features } = session.record;
      const userId = admitted.userId ?? session.record.userId;
      const outcome = await session.join({
        ...admitted.request,
        member: {
          kind,
          userId,
          displayName,
          user,
          features,
          ...(admitted.foreignSessionId === undefined ? {} : { foreignSessionId: admitted.foreignSessionId }),
          ...(admitted.foreign === undefined ? {} : { foreign: admitted.foreign }),
          ...(inCall === undefined ? {} : { inCall }),
        },
      });
      // Somebody came in under the same name at the same moment: the later one stays.
      const former = outcome.kind === 'joined' ? outcome.tookOver : undefined;
      if (former !== undefined) await this.sendAway(former);
      return toAnswer(admitted, outcome, former);
    } catch (error) {
      if (error instanceof Refusal) return { ok: false, error: error.wire };
      if (isDomainError(error)) return { ok: false, error: thrownToWire(error) };
      throw error;
    }
  }

  /** The room a resumed session is in, as its client knows it. */
  async currentRoom(session: OwnedSession): Promise<CurrentRoom | undefined> {
    const liveId = session.room;
    if (liveId === undefined) return undefined;
    const room = await this.parts.roomStore.findById(liveId);
    if (room === null) return undefined;
    const right = rightOf(session.record);
    const self = (await this.parts.live.members(liveId)).find((member) => member.sessionId === session.record.id);
    const backendId = right.kind === 'ticket' ? null : right.backendId;
    const isForeign = backendId !== null;
    return {
      roomId: isForeign ? backendRoomToken({ id: backendId }, room.name) : roomPath(room),
      liveId,
      properties: isForeign ? undefined : propertiesOf(room.policy),
      mayControl: isForeign || self?.role === 'host',
      ...(self?.foreign === undefined ? {} : { userId: self.userId }),
    };
  }

  private async admit(
    session: OwnedSession,
    right: EntryRight,
    roomId: string,
    foreignSessionId: string | undefined,
  ): Promise<Admitted> {
    switch (right.kind) {
      case 'ticket':
        return this.byTicket(right, roomId);
      case 'backend':
        return this.byBackend(session, right, roomId, foreignSessionId);
      case 'internal':
        return this.internal(session, right, roomId);
    }
  }

  private async byTicket({ claims }: Extract<EntryRight, { kind: 'ticket' }>, roomId: string): Promise<Admitted> {
    const path = roomPath({ domain: claims.domain, name: claims.roomName });
    const wanted = parseRoomPath(roomId);
    if (!wanted.ok || roomPath(wanted.value) !== path) throw new Refusal(wireError('no_such_room'));
    const { policy } = await this.parts.entry.recheck(claims);
    const { room, role, passwordVersion } = claims;
    return {
      roomId: path,
      request: { room, policy, role, passwordVersion, passesLock: role === 'host' },
      properties: propertiesOf(policy),
      mayControl: undefined,
    };
  }

  private async byBackend(
    session: OwnedSession,
    right: Extract<EntryRight, { kind: 'backend' }>,
    roomId: string,
    foreignSessionId: string | undefined,
  ): Promise<Admitted> {
    const backend = await this.backend(right.backendId);
    const { id, tenant } = session.record;
    const { requestUrl, userId: authenticated } = right;
    const actor = session.record.kind === 'federation' ? actorOf(session.record.user) : undefined;
    const asked = { roomId, userId: authenticated, sessionId: foreignSessionId ?? id, actor };
    const answer = await this.parts.nextcloud.room(backend, requestUrl, asked);
    if (!answer.ok) throw new Refusal(answer.error);
    const { properties, permissions, sessionUserId } = answer.value;
    const room = await this.openForBackend(backend, roomId);
    if (foreignSessionId !== undefined) await this.takeOver(session, foreignSessionId);
    if (permissions !== undefined) await this.parts.sessions.setPermissions(id, permissions, tenant);
    // Only guests are given a name by a room.
    const userId = authenticated === '' ? (sessionUserId ?? '') : authenticated;
    if (userId !== session.record.userId) await this.parts.sessions.setUserId(id, userId);
    return {
      roomId,
      request: trustedRequest(room, 'by-arrival'),
      ...(foreignSessionId === undefined ? {} : { foreignSessionId }),
      foreign: {
        backend: backend.id,
        url: requestUrl,
        room: roomId,
        userId: authenticated,
        ...(actor === undefined ? {} : { actor }),
      },
      userId,
      ...bandwidthOf(backend),
      ...(permissions === undefined ? {} : { permissions }),
      properties,
      mayControl: permissions?.includes('control') ?? true,
    };
  }

  /** Whoever else is there under this name of the backend's goes, and the backend does not hear of a leave. */
  private async takeOver({ record }: OwnedSession, foreignSessionId: string): Promise<void> {
    const { sessions } = this.parts;
    const present = (await sessions.byForeignId(record.tenant, [foreignSessionId])).get(foreignSessionId);
    if (present !== undefined && present !== record.id) await this.sendAway(present);
  }

  private async sendAway(former: SessionId): Promise<void> {
    const { sessions, notices } = this.parts;
    await notices.silently(former, () => sessions.end(former, 'room_session_reconnected'));
  }

  private async internal(
    session: OwnedSession,
    right: Extract<EntryRight, { kind: 'internal' }>,
    roomId: string,
  ): Promise<Admitted> {
    if (right.backendId !== null) {
      const room = await this.openForBackend(await this.backend(right.backendId), roomId);
      return { roomId, request: trustedRequest(room, 'guest'), properties: undefined, mayControl: true };
    }
    const path = parseRoomPath(roomId);
    if (!path.ok) throw new Refusal(wireError('no_such_room'));
    const { tenant } = session.record;
    const { domain, name } = path.value;
    if (tenant !== 'internal' && tenant !== `domain:${domain}`) throw new Refusal(wireError('no_such_room'));
    const room = await this.parts.rooms.openForBackend(domain, name);
    return {
      roomId: roomPath(path.value),
      request: trustedRequest(room, 'guest'),
      properties: propertiesOf(room.policy),
      mayControl: true,
    };
  }

  private async backend(id: string): Promise<Backend> {
    const backend = await this.parts.backends.byId(id);
    // It was removed since the hello.
    if (backend === null) throw new Refusal(wireError('invalid_backend'));
    return backend;
  }

  private async openForBackend(backend: Backend, token: string): Promise<Room> {
    const name = backendRoomName(backend, token);
    if (name === undefined) throw new Refusal(wireError('no_such_room'));
    return this.parts.rooms.openForBackend(backend.domain, name);
  }
}

/** An answer that is no refusal of the core's. */
class Refusal extends Error {
  constructor(readonly wire: WireError) {
    super(wire.code);
  }
}

/** Who decided about entry already leaves nothing for the door but the room's capacity. */
function trustedRequest(
  room: { id: RoomSessionId; policy: DoorPolicy },
  role: 'guest' | 'by-arrival',
): Omit<JoinRequest, 'member'> {
  return { room: room.id, policy: room.policy, role, passwordVersion: 'exempt', passesLock: true };
}

/** What clients are told of a room of ours; the same words as the event that tells of a change. */
function propertiesOf({ locked, type }: DoorPolicy): JsonObject {
  return { locked, type };
}

/** What its clients may send; absent when the backend sets no limit. */
function bandwidthOf({ maxStreamBitrate, maxScreenBitrate }: Backend): Pick<Admitted, 'bandwidth'> {
  if (maxStreamBitrate === null && maxScreenBitrate === null) return {};
  return { bandwidth: { stream: maxStreamBitrate ?? 0, screen: maxScreenBitrate ?? 0 } };
}

function toAnswer(admitted: Admitted, outcome: JoinOutcome, former: SessionId | undefined): JoinAnswer {
  if (outcome.kind === 'refused') {
    return { ok: false, error: thrownToWire(new DomainError(outcome.code, REFUSALS[outcome.code])) };
  }
  const { roomId, properties, mayControl, userId, bandwidth, permissions } = admitted;
  const { self, others, cursor } = outcome;
  const room = {
    roomId,
    liveId: cursor.id,
    properties,
    mayControl: mayControl ?? self.role === 'host',
    ...(userId === undefined ? {} : { userId }),
  };
  const living = others.filter(({ sessionId }) => sessionId !== former);
  return {
    ok: true,
    room,
    self,
    others: living,
    cursor,
    transient: outcome.transient,
    ...(permissions === undefined ? {} : { permissions }),
    ...(bandwidth === undefined ? {} : { bandwidth }),
  };
}
