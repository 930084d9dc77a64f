import { setTimeout as pause } from 'node:timers/promises';
import type { ForeignPresence, LiveRooms, RoomSessionId, SessionId } from '@parley/domain';
import type { DepartedMember, LiveSessions } from '@parley/live';
import type { BackendStore } from '@parley/persistence';
import type { Logger } from '@parley/server-kit';
import { tenantOf } from './authenticator';
import type { NextcloudClient } from './nextcloud-client';

/** Pauses before the second and third try, in milliseconds. */
const RETRY_AFTER_MS = [1_000, 5_000];

/** Refusals that another try may not meet. */
const PASSING = new Set(['internal_error', 'too_many_requests']);

export interface LeaveNoticesParts {
  readonly backends: Pick<BackendStore, 'byId'>;
  readonly nextcloud: Pick<NextcloudClient, 'room'>;
  readonly sessions: Pick<LiveSessions, 'byForeignId'>;
  readonly rooms: Pick<LiveRooms, 'members'>;
  readonly logger: Logger;
  /** Tests shorten it. */
  readonly retryAfterMs?: readonly number[];
}

/**
 * Tells backends who left their rooms, in the background. The replica that took somebody out of a room tells of it. A
 * notice that is lost with its replica costs little: a session that is not pinged any more is dropped by its backend.
 */
export class LeaveNotices {
  private readonly underWay = new Set<Promise<void>>();
  private readonly silenced = new Set<SessionId>();
  private readonly stop = new AbortController();

  constructor(private readonly parts: LeaveNoticesParts) {}

  /** A member is out of a room. Backends know only those that named their own session. */
  left(room: RoomSessionId, member: DepartedMember): void {
    const { foreign, foreignSessionId, kind, sessionId } = member;
    if (foreign === undefined || foreignSessionId === undefined) return;
    if (kind !== 'client' && kind !== 'federation') return;
    if (this.silenced.has(sessionId)) return;
    const work = this.tell(room, member, foreign, foreignSessionId)
      .catch((error: unknown) => this.parts.logger.warn({ err: error }, 'a backend was not told of a leave'))
      .finally(() => this.underWay.delete(work));
    this.underWay.add(work);
  }

  /** Does something to a session without the backend hearing that it left: another one takes its place. */
  async silently<Outcome>(session: SessionId, work: () => Promise<Outcome>): Promise<Outcome> {
    this.silenced.add(session);
    try {
      return await work();
    } finally {
      this.silenced.delete(session);
    }
  }

  /** Resolves once all tries under way have ended; there are no further ones. */
  async close(): Promise<void> {
    this.stop.abort();
    await Promise.all(this.underWay);
  }

  private async tell(
    room: RoomSessionId,
    { sessionId }: DepartedMember,
    foreign: ForeignPresence,
    foreignSessionId: string,
  ): Promise<void> {
    const pauses = [0, ...(this.parts.retryAfterMs ?? RETRY_AFTER_MS)];
    const asked = {
      roomId: foreign.room,
      userId: foreign.userId,
      sessionId: foreignSessionId,
      actor: foreign.actor,
      action: 'leave',
    } as const;
    for (const ms of pauses) {
      if (ms > 0 && !(await this.waited(ms))) return;
      const backend = await this.parts.backends.byId(foreign.backend);
      if (backend === null) return;
      if (await this.isBack(backend, room, sessionId, foreignSessionId)) return;
      const answer = await this.parts.nextcloud.room(backend, foreign.url, asked);
      if (answer.ok || !PASSING.has(answer.error.code)) return;
    }
    this.parts.logger.warn({ backend: foreign.backend }, 'a backend could not be told of a leave');
  }

  /** Whether the backend's session is present again: it must not be taken out by a notice that comes late. */
  private async isBack(backend: { id: string }, room: RoomSessionId, former: SessionId, foreignSessionId: string) {
    const { sessions, rooms } = this.parts;
    const present = (await sessions.byForeignId(tenantOf(backend), [foreignSessionId])).get(foreignSessionId);
    if (present === undefined) return false;
    if (present !== former) return true;
    return (await rooms.members(room)).some(({ sessionId }) => sessionId === former);
  }

  private async waited(ms: number): Promise<boolean> {
    return pause(ms, true, { signal: this.stop.signal, ref: false }).catch(() => false);
  }
}
