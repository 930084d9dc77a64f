import type { RoomSessionId } from '@parley/domain';
import type { StoreTimes } from '../limits';
import type { EndReason } from '../port';
import type { Burning, FormerRoom, Look, Remains, SessionStore } from '../store';
import { encodeSessionSignal } from '../wire';
import type { MemoryLiveHub } from './hub';
import type { SessionAccess, SessionState } from './session-state';

/** How sessions in memory end, and what is left of them then. */
export function memoryEnds(
  hub: MemoryLiveHub,
  times: StoreTimes,
  { get, living }: SessionAccess,
): Pick<SessionStore, 'burn' | 'orphan' | 'look' | 'bury' | 'find'> {
  return {
    burn: (id, burning) => hub.run(() => burn(hub, living(id), burning)),
    orphan: (id, owner, agoMs) =>
      hub.run(() => {
        const session = living(id);
        if (session?.owner !== owner || session.state !== 'attached') return false;
        Object.assign(session, { state: 'detached', since: hub.now() - agoMs });
        return true;
      }),
    look: (id) => hub.run(() => look(hub, times, get(id))),
    bury: (id) =>
      hub.run(() => {
        const session = get(id);
        if (session?.state === 'ended') {
          Object.assign(session, { joinedAt: undefined, previous: undefined, joining: undefined });
        }
      }),
    find: (id) =>
      hub.run(() => {
        const session = living(id);
        if (!session) return undefined;
        const { tenant, userId } = session.record;
        const { parent } = session;
        const attached = session.state === 'attached';
        return { id, tenant, userId, room: session.joinedAt?.id, attached, ...(parent ? { parent } : {}) };
      }),
  };
}

export function formerRoom({ previous, previousAttempt }: SessionState): FormerRoom | undefined {
  return previous && { room: previous.id, attempt: previousAttempt || undefined };
}

/** Ends it and tells its owner. */
export function endSession(hub: MemoryLiveHub, session: SessionState, burning: Burning): void {
  const { reason, detail, json = '' } = burning;
  const seq = json ? session.log.add(json, hub.now()).seq : session.log.seq;
  Object.assign(session, { state: 'ended', since: hub.now(), reason, detail });
  const signal = { kind: 'end', epoch: session.epoch, seq, reason, detail, json } as const;
  hub.publish(`s:${session.record.id}`, encodeSessionSignal(signal));
}

function burn(hub: MemoryLiveHub, session: SessionState | undefined, burning: Burning): Remains | undefined {
  if (!session) return undefined;
  if (burning.epoch !== undefined && session.epoch !== burning.epoch) return undefined;
  if (burning.room !== undefined && session.joinedAt?.id !== burning.room) return undefined;
  if (burning.quiet) session.quiet = true;
  endSession(hub, session, burning);
  return remains(session);
}

function remains({ record, owner, joinedAt, previous, joining, quiet }: SessionState): Remains {
  const rooms = [joinedAt?.id, previous?.id, joining?.room].filter((id): id is RoomSessionId => id !== undefined);
  return { tenant: record.tenant, userId: record.userId, owner, rooms, quiet };
}

function look(hub: MemoryLiveHub, times: StoreTimes, session: SessionState | undefined): Look {
  if (!session) return { kind: 'nothing' };
  if (session.state === 'detached' && hub.now() - session.since >= times.resumeWindowMs) {
    const reason: EndReason = 'expired';
    endSession(hub, session, { reason, detail: '' });
  }
  if (session.state === 'ended') return { kind: 'over', remains: remains(session) };
  if (session.joining || session.previous) {
    const age = hub.now() - session.joinBegunAt;
    if (age < times.halfDoneJoinMs) return { kind: 'later', inMs: times.halfDoneJoinMs - age };
    const { joining } = session;
    if (joining) session.withdrawn = joining.attempt;
    const previous = formerRoom(session);
    return { kind: 'half-done', ...(joining ? { joining } : {}), ...(previous ? { previous } : {}) };
  }
  if (session.state === 'attached') return { kind: 'nothing' };
  return { kind: 'later', inMs: times.resumeWindowMs - (hub.now() - session.since) };
}

/** Forgets those that ended long ago. */
export function dropTombstones(hub: MemoryLiveHub, times: StoreTimes): void {
  if (hub.sessions.size % 256 !== 255) return; // now and then is enough
  for (const [id, session] of hub.sessions) {
    if (session.state === 'ended' && hub.now() - session.since > times.tombstoneMs) hub.sessions.delete(id);
  }
}
