import { setTimeout as pause } from 'node:timers/promises';
import type { ForeignPresence, LiveRooms, Result, SessionId } from '@parley/domain';
import type { DepartedMember, Departure, LiveSessions } from '@parley/live';
import type { Backend, BackendStore } from '@parley/persistence';
import type { WireError } from '@parley/protocol-spreed-signaling';
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
  readonly sessions: Pick<LiveSessions, 'byForeignId' | 'find'>;
  readonly rooms: Pick<LiveRooms, 'members'>;
  readonly logger: Logger;
  /** Tests shorten it. */
  readonly retryAfterMs?: readonly number[];
}

/**
 * Tells backends who left their rooms, and who did not come although they consented. The live layer sees to it that one
 * replica does, whichever took somebody out and whichever dies.
 */
export class LeaveNotices {
  private readonly underWay = new Set<Promise<void>>();
  private readonly stop = new AbortController();

  constructor(private readonly parts: LeaveNoticesParts) {}

  /**
   * Somebody is gone. Backends know only those that named their own session. Resolves when there is nothing left to try.
   * @throws AbortError when this replica goes away; whatever a store throws
   */
  async left({ member }: Departure): Promise<void> {
    const { foreign, foreignSessionId, kind } = member;
    if (foreign === undefined || foreignSessionId === undefined) return;
    if (kind !== 'client' && kind !== 'federation') return;
    const asked = {
      roomId: foreign.room,
      userId: foreign.userId,
      sessionId: foreignSessionId,
      actor: foreign.actor,
      action: 'leave',
    } as const;
    await this.insist(member, (backend) => this.parts.nextcloud.room(backend, foreign.url, asked));
  }

  /**
   * Tells a backend that somebody left it, unless it is back there by then; again a few times where that did not arrive.
   * Resolves when there is nothing left to try.
   * @param tell one try
   * @throws AbortError when this replica goes away; whatever a store throws
   */
  async insist(
    { sessionId, foreign, foreignSessionId }: Pick<DepartedMember, 'sessionId' | 'foreign' | 'foreignSessionId'>,
    tell: (backend: Backend) => Promise<Result<unknown, WireError>>,
  ): Promise<void> {
    if (foreign === undefined || foreignSessionId === undefined) return;
    const work = this.tryToTell(sessionId, foreign, foreignSessionId, tell).finally(() => this.underWay.delete(work));
    this.underWay.add(work);
    await work;
  }

  /** Resolves once all tries under way have ended; further ones are left to other replicas. */
  async close(): Promise<void> {
    this.stop.abort();
    await Promise.allSettled(this.underWay);
  }

  private async tryToTell(
    sessionId: SessionId,
    foreign: ForeignPresence,
    foreignSessionId: string,
    tell: (backend: Backend) => Promise<Result<unknown, WireError>>,
  ): Promise<void> {
    const pauses = [0, ...(this.parts.retryAfterMs ?? RETRY_AFTER_MS)];
    for (const ms of pauses) {
      this.stop.signal.throwIfAborted();
      if (ms > 0) await pause(ms, undefined, { signal: this.stop.signal, ref: false });
      const backend = await this.parts.backends.byId(foreign.backend);
      if (backend === null) return;
      if (await this.isBack(backend, sessionId, foreign, foreignSessionId)) return;
      const answer = await tell(backend);
      if (answer.ok || !PASSING.has(answer.error.code)) return;
    }
    this.parts.logger.warn({ backend: foreign.backend }, 'a backend could not be told of a leave');
  }

  /** Whether the backend's session is present again: it must not be taken out by a notice that comes late. */
  private async isBack(
    backend: { id: string },
    former: SessionId,
    { room: token }: ForeignPresence,
    foreignSessionId: string,
  ): Promise<boolean> {
    const { sessions, rooms } = this.parts;
    const present = (await sessions.byForeignId(tenantOf(backend), [foreignSessionId])).get(foreignSessionId);
    if (present === undefined) return false;
    if (present !== former) return true;
    const room = (await sessions.find(former))?.room;
    const members = room === undefined ? [] : await rooms.members(room);
    return members.some(({ sessionId, foreign }) => sessionId === former && foreign?.room === token);
  }
}
