import { timingSafeEqual } from 'node:crypto';
import type { SessionId } from '@parley/domain';
import type { StoreTimes } from '../limits';
import { LOG_LIMITS } from '../port';
import type { SessionRead, SessionStore } from '../store';
import { encodeSessionSignal } from '../wire';
import type { MemoryLiveHub } from './hub';
import { MemoryLog } from './log';
import { dropTombstones, endSession, formerRoom, memoryEnds } from './session-ends';
import type { SessionAccess, SessionState } from './session-state';

/** Sessions in memory; what the scripts in redis/ do, in the same order. */
export function memorySessions(hub: MemoryLiveHub, times: StoreTimes): SessionStore {
  const get = (id: SessionId): SessionState | undefined => hub.sessions.get(id);
  const living = (id: SessionId): SessionState | undefined => {
    const session = get(id);
    return session && session.state !== 'ended' ? session : undefined;
  };
  const mine = (id: SessionId, epoch: number): SessionState | undefined => {
    const session = living(id);
    return session?.epoch === epoch ? session : undefined;
  };
  const access: SessionAccess = { get, living, mine };
  return {
    ...memoryLogs(hub, times, access),
    ...memoryRecords(hub, access),
    ...memoryOwners(hub, access),
    ...memoryJoins(hub, access),
    ...memoryEnds(hub, times, access),
  };
}

function memoryLogs(
  hub: MemoryLiveHub,
  times: StoreTimes,
  { living }: SessionAccess,
): Pick<SessionStore, 'open' | 'append' | 'read'> {
  return {
    open: (record, owner, parent) =>
      hub.run(() => {
        dropTombstones(hub, times);
        hub.sessions.set(record.id, { ...blank(hub.now()), record, owner, parent, epoch: 1, log: new MemoryLog() });
      }),
    append: (id, tenant, json, permissions) =>
      hub.run(() => {
        const session = living(id);
        if (!hub.sessions.has(id)) return 'missing';
        if (session?.record.tenant !== tenant) return 'unknown';
        if (permissions) session.record = { ...session.record, permissions };
        if (session.parent) return { parent: session.parent };
        const { seq } = session.log.add(json, hub.now());
        if (!session.log.trim(LOG_LIMITS, session.checkpoint.session, hub.now() - times.keepMs)) {
          endSession(hub, session, { reason: 'log_overflow', detail: '' });
          return 'overflow';
        }
        hub.publish(`s:${id}`, encodeSessionSignal({ kind: 'event', epoch: session.epoch, seq, json }));
        return 'sent';
      }),
    read: (id, epoch, after) => hub.run(() => readLog(hub.sessions.get(id), epoch, after)),
  };
}

function memoryRecords(
  hub: MemoryLiveHub,
  { living, mine }: SessionAccess,
): Pick<SessionStore, 'rename' | 'describe' | 'beginRequest' | 'settleRequest' | 'virtual'> {
  return {
    rename: (id, epoch, userId) =>
      hub.run(() => {
        const session = mine(id, epoch);
        if (session) session.record = { ...session.record, userId };
        return session !== undefined;
      }),
    describe: (id, epoch, { attributes }) =>
      hub.run(() => {
        const session = mine(id, epoch);
        if (session) session.record = { ...session.record, attributes };
        return session !== undefined;
      }),
    beginRequest: (id, epoch, token, json) =>
      hub.run(() => {
        const session = mine(id, epoch);
        if (session) session.request = { token, json, entered: false };
        return session !== undefined;
      }),
    settleRequest: (id, token) =>
      hub.run(() => {
        const session = living(id);
        if (session?.request?.token === token) session.request = undefined;
      }),
    virtual: (id) =>
      hub.run(() => {
        const session = living(id);
        return session?.parent ? { record: session.record, room: session.joinedAt } : undefined;
      }),
  };
}

function memoryOwners(
  hub: MemoryLiveHub,
  { get, living, mine }: SessionAccess,
): Pick<SessionStore, 'resume' | 'checkpoint' | 'detach' | 'announce'> {
  return {
    resume: (id, verifier, owner, after) =>
      hub.run(() => {
        const session = living(id);
        if (!session || session.parent || !sameDigest(session.record.resumeVerifier, verifier)) return { kind: 'none' };
        const from = after ?? session.checkpoint.session;
        const entries = session.log.after(from);
        if (!entries) return { kind: 'gap' };
        const previousOwner = session.owner;
        Object.assign(session, { epoch: session.epoch + 1, owner, state: 'attached' });
        hub.publish(`s:${id}`, encodeSessionSignal({ kind: 'taken', epoch: session.epoch }));
        const { record, epoch, joinedAt, checkpoint, request } = session;
        const place = {
          joinedAt,
          attempt: session.doneAttempt || undefined,
          previous: formerRoom(session),
          checkpoint,
        };
        return { kind: 'resumed', record, epoch, previousOwner, after: from, entries, ...place, request };
      }),
    checkpoint: (id, epoch, checkpoint) =>
      hub.run(() => {
        const session = mine(id, epoch);
        if (session) session.checkpoint = checkpoint;
      }),
    detach: (id, epoch, checkpoint) =>
      hub.run(() => {
        const session = mine(id, epoch);
        if (session) Object.assign(session, { checkpoint, state: 'detached', since: hub.now() });
      }),
    announce: (a, create) =>
      hub.run(() => {
        const { record, epoch, owner, seq, checkpoint } = a;
        let session = get(record.id);
        if (!session) {
          if (!create) return { kind: 'missing' };
          const given = { record, owner, parent: a.parent, epoch, checkpoint, joinedAt: a.room };
          session = { ...blank(hub.now()), ...given, log: new MemoryLog() };
          session.log.restart(seq);
          hub.sessions.set(record.id, session);
        }
        if (session.state === 'ended' || session.epoch > epoch) return readLog(session, epoch, seq);
        if (session.epoch < epoch) hub.publish(`s:${record.id}`, encodeSessionSignal({ kind: 'taken', epoch }));
        if (session.log.seq < seq) session.log.restart(seq);
        Object.assign(session, { epoch, owner, state: 'attached' });
        return { kind: 'log', seq: session.log.seq, entries: [] };
      }),
  };
}

function memoryJoins(
  hub: MemoryLiveHub,
  { get, mine }: SessionAccess,
): Pick<SessionStore, 'beginJoin' | 'finishJoin' | 'abandonJoin' | 'gaveUpJoin' | 'leftRoom'> {
  return {
    beginJoin: (id, epoch, room) =>
      hub.run(() => {
        const session = mine(id, epoch);
        if (!session) return undefined;
        const attempt = Math.max(session.attempts + 1, hub.now());
        Object.assign(session, { attempts: attempt, joining: { room, attempt }, joinBegunAt: hub.now() });
        return attempt;
      }),
    finishJoin: (id, epoch, attempt, at) =>
      hub.run(() => {
        const session = mine(id, epoch);
        if (!session) return 'lost';
        if (session.joining?.attempt !== attempt || session.withdrawn === attempt) return 'withdrawn';
        const { session: read } = session.checkpoint;
        const checkpoint = { session: read, room: at, roomEvent: at.seq };
        const previous = session.joinedAt?.id === at.id ? undefined : session.joinedAt;
        const previousAttempt = session.doneAttempt;
        Object.assign(session, {
          previous,
          previousAttempt,
          joinedAt: at,
          checkpoint,
          joining: undefined,
          doneAttempt: attempt,
        });
        if (session.request) session.request = { ...session.request, entered: true };
        return 'joined';
      }),
    abandonJoin: (id, epoch, attempt) =>
      hub.run(() => {
        const session = get(id);
        if (!session || session.state === 'ended') return 'abandoned';
        if (session.joining?.attempt === attempt) session.joining = undefined;
        if (session.doneAttempt !== attempt) return 'abandoned';
        if (session.epoch !== epoch) return 'kept';
        const doneAttempt = session.previous ? session.previousAttempt : 0;
        Object.assign(session, { joinedAt: session.previous, previous: undefined, doneAttempt });
        return 'abandoned';
      }),
    gaveUpJoin: (id, attempt) =>
      hub.run(() => {
        const session = get(id);
        if (session?.joining?.attempt === attempt) session.joining = undefined;
      }),
    leftRoom: (id, room, attempt) =>
      hub.run(() => {
        const session = get(id);
        if (!session) return;
        const was = (known: number) => attempt === undefined || known === 0 || known === attempt;
        if (session.previous?.id === room && was(session.previousAttempt)) session.previous = undefined;
        if (session.joinedAt?.id === room && was(session.doneAttempt)) session.joinedAt = undefined;
      }),
  };
}

function blank(now: number): Omit<SessionState, 'record' | 'owner' | 'parent' | 'epoch' | 'log'> {
  return {
    state: 'attached',
    since: now,
    checkpoint: { session: 0, room: undefined, roomEvent: 0 },
    joinedAt: undefined,
    previous: undefined,
    joining: undefined,
    joinBegunAt: 0,
    attempts: 0,
    doneAttempt: 0,
    previousAttempt: 0,
    withdrawn: 0,
    request: undefined,
    quiet: false,
    reason: 'ended',
    detail: '',
  };
}

function sameDigest(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function readLog(session: SessionState | undefined, epoch: number, after: number): SessionRead {
  if (!session) return { kind: 'missing' };
  if (session.state === 'ended') return { kind: 'ended', reason: session.reason, detail: session.detail };
  if (session.epoch !== epoch) return { kind: 'taken' };
  const entries = session.log.after(after);
  return entries ? { kind: 'log', seq: session.log.seq, entries } : { kind: 'gap' };
}
