import { backendRoomName, type Room, type RoomService, type SessionId } from '@parley/domain';
import type { LiveSessions, OwnedSession } from '@parley/live';
import type { Backend, BackendStore } from '@parley/persistence';
import { actorOf, wireError } from '@parley/protocol-spreed-signaling';
import { Refusal, trustedRequest, type Admitted } from './admission';
import type { EntryRight } from './entry-right';
import { isSomebodyElse } from './foreign-names';
import type { LeaveNotices } from './leave-notices';
import type { NextcloudClient } from './nextcloud-client';

export interface BackendAdmissionParts {
  readonly rooms: RoomService;
  readonly sessions: Pick<LiveSessions, 'byForeignId' | 'end' | 'find' | 'setPermissions' | 'setUserId'>;
  readonly notices: Pick<LeaveNotices, 'silently'>;
  readonly backends: BackendStore;
  readonly nextcloud: NextcloudClient;
}

/** Who may enter the rooms of foreign backends. */
export class BackendAdmission {
  constructor(private readonly parts: BackendAdmissionParts) {}

  /**
   * A session of a user or guest: the backend is asked each time.
   * @param foreignSessionId the name the backend knows it by; whoever else has it is sent away
   * @throws Refusal when the backend refuses or was removed, or when the name is somebody else's public id
   */
  async user(
    session: OwnedSession,
    right: Extract<EntryRight, { kind: 'backend' }>,
    roomId: string,
    foreignSessionId: string | undefined,
  ): Promise<Admitted> {
    const backend = await this.find(right.backendId);
    const { id, tenant } = session.record;
    if (foreignSessionId !== undefined && (await isSomebodyElse(this.parts.sessions, session.record, foreignSessionId)))
      throw new Refusal(wireError('duplicate_session'));
    const { requestUrl, userId: authenticated } = right;
    const actor = session.record.kind === 'federation' ? actorOf(session.record.user) : undefined;
    const asked = { roomId, userId: authenticated, sessionId: foreignSessionId ?? id, actor };
    const answer = await this.parts.nextcloud.room(backend, requestUrl, asked);
    if (!answer.ok) throw new Refusal(answer.error);
    const { properties, permissions, sessionUserId } = answer.value;
    const room = await this.open(backend, roomId);
    if (foreignSessionId !== undefined) await this.takeOver(session, foreignSessionId);
    if (permissions !== undefined) await this.parts.sessions.setPermissions(id, permissions, tenant);
    // Only guests are given a name by a room.
    const userId = authenticated === '' ? (sessionUserId ?? '') : authenticated;
    if (userId !== session.record.userId) await this.parts.sessions.setUserId(id, userId);
    return {
      roomId,
      request: { ...trustedRequest(room, 'by-arrival'), ...(properties === undefined ? {} : { properties }) },
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

  /** Ends a session whose place another one took; the backend hears of no leave. */
  async sendAway(former: SessionId): Promise<void> {
    const { sessions, notices } = this.parts;
    await notices.silently(former, () => sessions.end(former, 'room_session_reconnected'));
  }

  /**
   * An internal client of the backend: it is not asked, and the room is opened when it is not open.
   * @throws Refusal when the backend was removed
   */
  async service(backendId: string, roomId: string): Promise<Admitted> {
    const room = await this.open(await this.find(backendId), roomId);
    return { roomId, request: trustedRequest(room, 'guest'), properties: undefined, mayControl: true };
  }

  /** What clients of a backend may send, as it is told with the answer to a join. */
  async bandwidth(backendId: string): Promise<Pick<Admitted, 'bandwidth'>> {
    const backend = await this.parts.backends.byId(backendId);
    return backend === null ? {} : bandwidthOf(backend);
  }

  private async find(id: string): Promise<Backend> {
    const backend = await this.parts.backends.byId(id);
    // It was removed since the hello.
    if (backend === null) throw new Refusal(wireError('invalid_backend'));
    return backend;
  }

  private async open(backend: Backend, token: string): Promise<Room> {
    const name = backendRoomName(backend, token);
    if (name === undefined) throw new Refusal(wireError('no_such_room'));
    return this.parts.rooms.openForBackend(backend.domain, name);
  }
}

/** What its clients may send; absent when the backend sets no limit. */
function bandwidthOf({ maxStreamBitrate, maxScreenBitrate }: Backend): Pick<Admitted, 'bandwidth'> {
  if (maxStreamBitrate === null && maxScreenBitrate === null) return {};
  return { bandwidth: { stream: maxStreamBitrate ?? 0, screen: maxScreenBitrate ?? 0 } };
}
