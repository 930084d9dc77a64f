import type { LiveRooms, SessionId } from '@parley/domain';
import type { LiveSessions, OwnedSession } from '@parley/live';
import type { BackendStore } from '@parley/persistence';
import { rightOf } from './entry-right';
import { isSomebodyElse } from './foreign-names';
import type { NextcloudClient } from './nextcloud-client';

export interface RenamingParts {
  readonly live: Pick<LiveRooms, 'members'>;
  readonly sessions: Pick<LiveSessions, 'setForeignId' | 'end' | 'find'>;
  readonly backends: Pick<BackendStore, 'byId'>;
  readonly nextcloud: Pick<NextcloudClient, 'room'>;
}

/** Members of a backend's room who have another session with it by now. */
export class Renaming {
  constructor(private readonly parts: RenamingParts) {}

  /**
   * Lets a member be known by another session of its backend's. The backend is asked as about any join: the name stands
   * for rights, and whoever had it before goes. Nothing happens when the backend refuses.
   */
  async rename(session: OwnedSession, foreignSessionId: string): Promise<void> {
    const { live, sessions, backends, nextcloud } = this.parts;
    const right = rightOf(session.record);
    if (right.kind !== 'backend' || session.room === undefined) return;
    const { id } = session.record;
    const self = (await live.members(session.room)).find(({ sessionId }) => sessionId === id);
    if (self?.foreign === undefined || self.foreignSessionId === foreignSessionId) return;
    const backend = await backends.byId(right.backendId);
    if (backend === null || (await isSomebodyElse(sessions, session.record, foreignSessionId))) return;
    const { room: roomId, actor } = self.foreign;
    const asked = { roomId, userId: right.userId, sessionId: foreignSessionId, actor };
    if (!(await nextcloud.room(backend, right.requestUrl, asked)).ok) return;
    const former: SessionId | undefined = await sessions.setForeignId(id, foreignSessionId);
    // As with a join under a name that is taken.
    if (former !== undefined) await sessions.end(former, 'room_session_reconnected', { quietly: true });
  }
}
