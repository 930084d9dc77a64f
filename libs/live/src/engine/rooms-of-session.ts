import { DomainError, type RoomSessionId, type SessionId } from '@parley/domain';
import type { JoinOutcome, JoinRequest } from '../port';
import type { RoomPosition, StoredJoin, StoredJoinRequest } from '../store';
import type { ReplicaContext } from './context';
import { claimForeign, namesakeIn } from './identity';
import type { LiveSession } from './live-session';
import type { RoomFeed } from './room-feed';
import { stateForJoiner } from './room-picture';
import { takeOut } from './session-end';

/** A join whose outcome is not known yet. */
export interface OpenJoin {
  readonly room: RoomSessionId;
  readonly attempt: number;
  /** Returns the foreign id to who had it before. */
  giveBack?: () => Promise<void>;
}

export type Admitted = Extract<StoredJoin, { kind: 'joined' }>;

/**
 * The join: session (joining), room (the door), session (joined). Each step is one script on one node; what a crash
 * leaves half done is found by the look that is scheduled first.
 */
export async function enterRoom(ctx: ReplicaContext, session: LiveSession, request: JoinRequest): Promise<JoinOutcome> {
  await takeBack(ctx, session);
  const again = session.room === request.room ? await comeAgain(ctx, session, request) : undefined;
  if (again) return again;
  const { store } = ctx;
  await store.registry.schedule(session.id, ctx.times.halfDoneJoinMs);
  const attempt = await store.sessions.beginJoin(session.id, session.epoch, request.room);
  if (attempt === undefined) throw await lost(ctx, session);
  const open: OpenJoin = { room: request.room, attempt };
  session.openJoin = open;
  const seat = {};
  let feed: RoomFeed | undefined;
  let sitAgain: (() => void) | undefined;
  try {
    feed = await ctx.feeds.expect(request.room, seat);
    // Who was taken out of it, and comes back before that is known here, comes anew.
    if (session.feed === feed) sitAgain = feed.standUp(session);
    const { room } = request;
    const foreign = await claimForeign(ctx, session.record, request);
    open.giveBack = () => foreign.giveBack();
    const answer = await store.rooms.join(room, { ...storedRequest(request, session.id), attempt });
    if (answer.kind === 'refused') {
      sitAgain?.();
      feed.unexpect(seat);
      await foreign.giveBack();
      await store.sessions.gaveUpJoin(session.id, attempt);
      session.openJoin = undefined;
      return answer;
    }
    feed.begin(answer); // at once: answers of the room come in order, what follows may not
    const at = { id: room, generation: answer.generation, seq: answer.seq };
    const finished = await store.sessions.finishJoin(session.id, session.epoch, attempt, at);
    if (finished === 'withdrawn') throw withdrawn();
    if (finished === 'lost') throw await lost(ctx, session);
    session.openJoin = undefined;
    if (answer.first && !answer.again) ctx.occupancy(room, true);
    const former = foreign.tookOver ?? (await namesakeIn(ctx, session.record, request, answer));
    await settleIn(ctx, session, feed, seat, request, { ...answer, attempt });
    return outcome(session.id, answer, at, former);
  } catch (error) {
    sitAgain?.();
    feed?.unexpect(seat);
    ctx.chores.soon(`join ${session.id}`, () => takeBack(ctx, session));
    throw error;
  }
}

/**
 * Joins the room it is in: the same member, a fresh snapshot, and nothing in between is skipped. Undefined: it is not in
 * any more, as it was taken out, or went on elsewhere, and that is not known here yet.
 */
async function comeAgain(
  ctx: ReplicaContext,
  session: LiveSession,
  request: JoinRequest,
): Promise<JoinOutcome | undefined> {
  const seat = {};
  await new Promise(setImmediate); // its first join may not be seated yet
  const feed = await ctx.feeds.expect(request.room, seat);
  try {
    const { room } = request;
    const before = feed.residents.self(session)?.foreignSessionId;
    const foreign = await claimForeign(ctx, session.record, request);
    const answer = await ctx.store.rooms.rejoin(room, storedRequest(request, session.id));
    if (answer?.kind !== 'joined') {
      await foreign.giveBack();
      return answer;
    }
    const { tenant } = session.record;
    if (before !== undefined && before !== request.member.foreignSessionId) {
      await ctx.store.registry.releaseForeign(tenant, before, session.id);
    }
    const self = answer.members.find((member) => member.sessionId === session.id);
    if (self) feed.residents.seat(session, self);
    const at = { id: room, generation: answer.generation, seq: answer.seq };
    if (feed.position.generation !== at.generation || feed.position.seq < at.seq) await feed.sync();
    return outcome(session.id, answer, at, foreign.tookOver);
  } finally {
    feed.unexpect(seat);
  }
}

/** Leaves the room; a member that is gone already is no error. */
export async function leaveRoom(ctx: ReplicaContext, session: LiveSession): Promise<void> {
  await takeBack(ctx, session);
  const { room, attempt } = session;
  if (!room) return;
  // It must not be given back meanwhile to a store that lost the room, as long as it is certain to leave.
  const self = session.feed?.residents.self(session);
  session.feed?.residents.remove(session);
  try {
    await takeOut(ctx, room, session.id, { tenant: session.record.tenant, attempt });
  } catch (error) {
    if (self) session.feed?.residents.seat(session, self);
    throw error;
  }
  session.feed?.remove(session);
  session.feed = session.seat = undefined;
  session.place(undefined);
  await ctx.chores.now(`left ${session.id}`, () => ctx.store.sessions.leftRoom(session.id, room, attempt));
}

/** Takes back a join of unknown outcome. */
async function takeBack(ctx: ReplicaContext, session: LiveSession): Promise<void> {
  const open = session.openJoin;
  if (!open) return;
  const { room, attempt } = open;
  const answer = await ctx.store.sessions.abandonJoin(session.id, session.epoch, attempt);
  if (answer === 'abandoned') await open.giveBack?.();
  // Whoever wanted it in hears that it failed, and knows what to say to others.
  if (answer === 'abandoned') {
    await takeOut(ctx, room, session.id, { tenant: session.record.tenant, attempt, quiet: true });
  }
  if (session.openJoin === open) session.openJoin = undefined;
}

async function settleIn(
  ctx: ReplicaContext,
  session: LiveSession,
  feed: RoomFeed,
  seat: object,
  request: JoinRequest,
  answer: Admitted & { readonly attempt: number },
): Promise<void> {
  const { room: old, attempt: before } = session;
  if (!feed.policy || request.policy.version >= feed.policy.version) feed.policy = request.policy;
  const oldFeed = session.feed;
  if (oldFeed && oldFeed !== feed) oldFeed.remove(session);
  session.feed = feed;
  session.seat = seat;
  session.attempt = answer.attempt;
  session.place({ id: request.room, generation: answer.generation, seq: answer.seq });
  if (old) await leaveOld(ctx, session, old, before);
  // Last: events must not overtake the answer.
  setImmediate(() => feed.seat(seat, session, answer));
}

async function leaveOld(
  ctx: ReplicaContext,
  session: LiveSession,
  old: RoomSessionId,
  attempt: number | undefined,
): Promise<void> {
  await ctx.chores.now(`left ${session.id} ${old}`, async () => {
    if (session.room === old) return;
    await takeOut(ctx, old, session.id, { tenant: session.record.tenant, attempt });
    await ctx.store.sessions.leftRoom(session.id, old, attempt);
  });
}

/** The request as stores take it. */
export function storedRequest(
  { room: _room, properties, ...ask }: JoinRequest,
  session: SessionId,
): Omit<StoredJoinRequest, 'attempt'> {
  return { ...ask, session, ...(properties ? { properties: JSON.stringify(properties) } : {}) };
}

export function outcome(
  id: SessionId,
  answer: Admitted,
  cursor: RoomPosition,
  tookOver: SessionId | undefined,
): JoinOutcome {
  const self = answer.members.find((member) => member.sessionId === id);
  if (!self) throw new Error('live: the room admitted a session without making it a member');
  const others = answer.members.filter((member) => member !== self);
  return { kind: 'joined', self, others, cursor, ...(tookOver ? { tookOver } : {}), ...stateForJoiner(answer) };
}

export function withdrawn(): DomainError {
  return new DomainError('unavailable', 'The join took too long and was taken back.');
}

async function lost(ctx: ReplicaContext, session: LiveSession): Promise<DomainError> {
  if (!session.isOver) session.markDirty();
  if (await ctx.losses.mayHaveLost(() => ctx.suspect())) {
    return new DomainError('unavailable', 'The session is being restored.');
  }
  return new DomainError('session_not_found', 'The session is no longer held here.');
}
