import {
  backendRoomName,
  isDomainError,
  type ForeignPresence,
  type Room,
  type RoomService,
  type SessionId,
} from '@parley/domain';
import type { Expected, LiveEvents, LiveSessions, OwnedSession } from '@parley/live';
import type { Backend, BackendStore } from '@parley/persistence';
import { actorOf, wireError, type BackendRoom } from '@parley/protocol-spreed-signaling';
import { Refusal, trustedRequest, type Admitted } from './admission';
import type { EntryRight } from './entry-right';
import { isSomebodyElse } from './foreign-names';
import type { NextcloudClient } from './nextcloud-client';

type BackendRight = Extract<EntryRight, { kind: 'backend' }>;

export interface BackendAdmissionParts {
  readonly rooms: RoomService;
  readonly sessions: Pick<LiveSessions, 'byForeignId' | 'end' | 'find' | 'setPermissions' | 'setUserId'>;
  readonly events: Pick<LiveEvents, 'expect'>;
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
    right: BackendRight,
    roomId: string,
    foreignSessionId: string | undefined,
  ): Promise<Admitted> {
    const backend = await this.find(right.backendId);
    const { id } = session.record;
    if (foreignSessionId !== undefined && (await isSomebodyElse(this.parts.sessions, session.record, foreignSessionId)))
      throw new Refusal(wireError('duplicate_session'));
    const foreign = presenceOf(session, right, roomId);
    const expected = foreignSessionId === undefined ? undefined : await this.expect(session, foreign, foreignSessionId);
    const asked = { roomId, userId: right.userId, sessionId: foreignSessionId ?? id, actor: foreign.actor };
    const answer = await this.parts.nextcloud.room(backend, right.requestUrl, asked);
    if (!answer.ok) {
      expected?.forget();
      throw new Refusal(answer.error);
    }
    try {
      const names = foreignSessionId === undefined ? {} : { foreignSessionId };
      const admitted = await this.admit(session, backend, foreign, foreignSessionId, answer.value);
      return { ...admitted, ...names, ...(expected === undefined ? {} : { expected }) };
    } catch (error) {
      if (expected !== undefined) await this.sendWord(session, expected, error);
      throw error;
    }
  }

  /**
   * Its backend consented and it did not get in: the backend is told that it left.
   * @param error what kept it out; undefined: the room refused
   */
  async sendWord({ record }: OwnedSession, expected: Expected, error?: unknown): Promise<void> {
    // Whether it is in is not known yet: the live layer looks later.
    if (isDomainError(error, 'unavailable')) return;
    // Its client went on elsewhere, where it asks again.
    const isElsewhere = isDomainError(error, 'session_not_found');
    if (isElsewhere && (await this.parts.sessions.find(record.id)) !== undefined) return;
    // What cannot be told now comes due.
    await expected.left().catch(() => undefined);
  }

  /** The backend consented; makes way for the session. */
  private async admit(
    session: OwnedSession,
    backend: Backend,
    foreign: ForeignPresence,
    foreignSessionId: string | undefined,
    { properties, permissions, sessionUserId }: BackendRoom,
  ): Promise<Admitted> {
    const { id, tenant } = session.record;
    const room = await this.open(backend, foreign.room);
    if (foreignSessionId !== undefined) await this.takeOver(session, foreignSessionId);
    if (permissions !== undefined) await this.parts.sessions.setPermissions(id, permissions, tenant);
    // Only guests are given a name by a room.
    const userId = foreign.userId === '' ? (sessionUserId ?? '') : foreign.userId;
    if (userId !== session.record.userId) await this.parts.sessions.setUserId(id, userId);
    return {
      roomId: foreign.room,
      request: { ...trustedRequest(room, 'by-arrival'), ...(properties === undefined ? {} : { properties }) },
      foreign,
      userId,
      ...bandwidthOf(backend),
      ...(permissions === undefined ? {} : { permissions }),
      properties,
      mayControl: permissions?.includes('control') ?? true,
    };
  }

  private async expect({ record }: OwnedSession, foreign: ForeignPresence, foreignSessionId: string) {
    const { id: sessionId, kind, userId } = record;
    return this.parts.events.expect({ sessionId, kind, userId, foreignSessionId, foreign });
  }

  /** Whoever else is there under this name of the backend's goes, and the backend does not hear of a leave. */
  private async takeOver({ record }: OwnedSession, foreignSessionId: string): Promise<void> {
    const { sessions } = this.parts;
    const present = (await sessions.byForeignId(record.tenant, [foreignSessionId])).get(foreignSessionId);
    if (present !== undefined && present !== record.id) await this.sendAway(present);
  }

  /** Ends a session whose place another one took; the backend hears of no leave. */
  async sendAway(former: SessionId): Promise<void> {
    await this.parts.sessions.end(former, 'room_session_reconnected', { quietly: true });
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

/** How a session is known to its backend in a room. */
function presenceOf(
  { record }: OwnedSession,
  { backendId, requestUrl, userId }: BackendRight,
  room: string,
): ForeignPresence {
  const actor = record.kind === 'federation' ? actorOf(record.user) : undefined;
  return { backend: backendId, url: requestUrl, room, userId, ...(actor === undefined ? {} : { actor }) };
}

/** What its clients may send; absent when the backend sets no limit. */
function bandwidthOf({ maxStreamBitrate, maxScreenBitrate }: Backend): Pick<Admitted, 'bandwidth'> {
  if (maxStreamBitrate === null && maxScreenBitrate === null) return {};
  return { bandwidth: { stream: maxStreamBitrate ?? 0, screen: maxScreenBitrate ?? 0 } };
}
