import type { CoreEvent, JsonObject, ReplicaId, SessionId } from '@parley/domain';
import { cursorOf, sameLog, verifierOf } from '../cursor';
import type { Cursor, Delivery, ResumeOutcome, RoomSnapshot, SessionSink } from '../port';
import type { FormerRoom, RoomPosition, RoomRead, StoredResume } from '../store';
import { decodeEvent } from '../wire';
import type { ReplicaContext } from './context';
import { LiveSession } from './live-session';
import type { RoomFeed } from './room-feed';
import { NOBODY, stateForJoiner, withoutSelf } from './room-picture';
import { burnAndClear, detach, takeOut } from './session-end';
import { adoptVirtuals } from './virtual-session';

type Resumed = Extract<StoredResume, { kind: 'resumed' }>;
const NONE: ResumeOutcome = { kind: 'no_such_session' };

/** The room of a resumed session, as this replica found it. */
interface FoundRoom {
  /** Where its view of the room's log begins. */
  readonly from: RoomPosition;
  readonly feed: RoomFeed;
  readonly seat: object;
  readonly read: RoomRead;
  readonly missed: readonly Delivery[];
  readonly closed: boolean;
}

/** Takes a session over. What was missed in its own log comes first, then what was missed in its room. */
export async function resumeSession(
  ctx: ReplicaContext,
  id: SessionId,
  secret: string,
  sink: SessionSink,
  lastSeen: Cursor | undefined,
): Promise<ResumeOutcome> {
  const signals = ctx.arrivals.expect(id);
  try {
    const outcome = await takeFrom(ctx, id, secret, sink, lastSeen);
    if (outcome.kind === 'resumed') for (const text of signals) ctx.sessions.get(id)?.onSignal(text);
    return outcome;
  } finally {
    ctx.arrivals.forget(id, signals);
  }
}

async function takeFrom(
  ctx: ReplicaContext,
  id: SessionId,
  secret: string,
  sink: SessionSink,
  lastSeen: Cursor | undefined,
): Promise<ResumeOutcome> {
  await ctx.topics.acquire(id);
  let kept = false;
  try {
    await ctx.store.registry.own(ctx.replica, id);
    const stored = await ctx.store.sessions.resume(id, verifierOf(secret), ctx.replica, lastSeen?.session);
    if (stored.kind !== 'resumed') {
      await disownRefused(ctx, id);
      return stored.kind === 'gap' ? await noPartialReplay(ctx, id) : NONE;
    }
    ctx.sessions.get(id)?.finish('resumed_elsewhere');
    // Also of a connection that is being given up here and keeps them until then.
    ctx.virtuals.drop(id);
    const outcome = await withRoom(ctx, stored, sink, lastSeen);
    kept = outcome.kind === 'resumed';
    return outcome;
  } finally {
    if (!kept) await ctx.topics.release(id).catch(() => undefined);
  }
}

/** Nobody who asks is taken note of for longer, unless it is here or somebody else asks for it here. */
async function disownRefused(ctx: ReplicaContext, id: SessionId): Promise<void> {
  if (ctx.sessions.has(id) || ctx.arrivals.isContested(id)) return;
  const { registry, sessions } = ctx.store;
  // It may be left over from a resume whose answer was lost.
  if (await sessions.orphan(id, ctx.replica, 0)) await registry.schedule(id, 0);
  await registry.disown(ctx.replica, id);
}

async function withRoom(
  ctx: ReplicaContext,
  stored: Resumed,
  sink: SessionSink,
  lastSeen: Cursor | undefined,
): Promise<ResumeOutcome> {
  const id = stored.record.id;
  try {
    const from = roomStart(stored, lastSeen);
    const found = from ? await findRoom(ctx, stored, from) : undefined;
    if (found === 'gap') return await noPartialReplay(ctx, id);
    const virtuals = await adoptVirtuals(ctx, id).catch((error: unknown) => {
      found?.feed.unexpect(found.seat);
      throw error;
    });
    const outcome = takeOver(ctx, stored, sink, found, lastSeen);
    for (const virtual of virtuals) ctx.virtuals.add(virtual);
    return outcome;
  } catch (error) {
    // It is ours by now, but nobody holds it: its window starts again.
    ctx.chores.soon(`detach ${id}`, () => detach(ctx, id, stored.epoch, stored.checkpoint));
    throw error;
  }
}

/** Where its view of the room's log begins. */
function roomStart(stored: Resumed, lastSeen: Cursor | undefined): RoomPosition | undefined {
  const { joinedAt, checkpoint } = stored;
  if (!joinedAt) return undefined;
  const saved = checkpoint.room?.id === joinedAt.id ? checkpoint.room : joinedAt;
  if (!lastSeen) return saved;
  const said = lastSeen.room?.id === joinedAt.id ? lastSeen.room : joinedAt;
  // What was told before it came is none of its business, whatever it says it has seen.
  const seen = said.generation === joinedAt.generation && said.seq < joinedAt.seq ? joinedAt : said;
  // Between the last event it saw and the checkpoint there may be nothing but what was not meant for it.
  const nothingBetween =
    seen.generation === saved.generation && seen.seq >= checkpoint.roomEvent && seen.seq < saved.seq;
  return nothingBetween ? saved : seen;
}

async function findRoom(
  ctx: ReplicaContext,
  stored: Resumed,
  from: RoomPosition,
): Promise<FoundRoom | 'gap' | undefined> {
  const id = stored.record.id;
  const seat = {};
  const feed = await ctx.feeds.expect(from.id, seat);
  let kept = false;
  try {
    const read = await ctx.store.rooms.read(from.id, from.generation, from.seq);
    if (!read || read.generation !== from.generation || !read.entries) return 'gap';
    feed.begin(read); // at once: answers of the room come in order
    const session = stored.entries.at(-1)?.seq ?? stored.after;
    const missed: Delivery[] = [];
    let closed = false;
    for (const entry of read.entries) {
      const event: CoreEvent | undefined = withoutSelf(decodeEvent(entry.json), id);
      if (!event || entry.except === id || entry.except === NOBODY) continue;
      missed.push({ cursor: { session, room: { ...from, seq: entry.seq } }, event });
      closed ||= event.kind === 'room-closed';
    }
    if (!closed && !read.members.some((member) => member.sessionId === id)) {
      await ctx.store.sessions.leftRoom(id, from.id, stored.attempt);
      return undefined;
    }
    kept = !closed;
    return { from, feed, seat, read, missed, closed };
  } finally {
    if (!kept) feed.unexpect(seat);
  }
}

function takeOver(
  ctx: ReplicaContext,
  stored: Resumed,
  sink: SessionSink,
  found: FoundRoom | undefined,
  lastSeen: Cursor | undefined,
): ResumeOutcome {
  const { record, epoch, after, entries } = stored;
  const request = openRequest(ctx, stored, lastSeen);
  const entered = request?.entered === true && found?.closed === false;
  const at = found && positionOf(found);
  const start = entered ? at : found?.from;
  const session = new LiveSession(ctx, record, epoch, sink, cursorOf(after, start));
  if (request) session.request = { token: request.token, body: JSON.parse(request.json) as JsonObject }; // from begin()
  const own = entries.map((entry) => ({ cursor: cursorOf(entry.seq, start), event: decodeEvent(entry.json) }));
  const missed = entered ? own : [...own, ...(found?.missed ?? [])];
  const cursor = cursorOf(entries.at(-1)?.seq ?? after, at);
  session.resumedAt(cursor, missed.at(-1)?.cursor);
  ctx.sessions.set(record.id, session);
  if (found?.closed) session.roomClosed(found.feed.id);
  else if (found) sit(session, found, stored.attempt);
  session.markDirty();
  session.activateSoon();
  disownElsewhere(ctx, stored.previousOwner, record.id);
  if (stored.previous) leaveRest(ctx, session, stored.previous);
  const room = found && !found.closed ? { room: snapshotOf(found) } : {};
  return { kind: 'resumed', session, missed, cursor, entered, ...room };
}

/** What is still to be answered. Who saw something of the room it asked for, has its answer: that comes first. */
function openRequest(ctx: ReplicaContext, stored: Resumed, lastSeen: Cursor | undefined): Resumed['request'] {
  const { request, joinedAt, record } = stored;
  const seen = lastSeen?.room;
  if (!request?.entered || !seen || !joinedAt || !sameLog(seen, joinedAt) || seen.seq < joinedAt.seq) return request;
  ctx.chores.soon(`answered ${record.id} ${request.token}`, () =>
    ctx.store.sessions.settleRequest(record.id, request.token),
  );
  return undefined;
}

function snapshotOf({ read, feed }: FoundRoom): RoomSnapshot {
  const { members, generation, seq } = read;
  return { members, cursor: { id: feed.id, generation, seq }, ...stateForJoiner(read) };
}

/** The former owner did not live to take it out of the room before. */
function leaveRest(ctx: ReplicaContext, session: LiveSession, { room, attempt }: FormerRoom): void {
  const { tenant } = session.record;
  ctx.chores.soon(`left ${session.id} ${room}`, async () => {
    if (session.room === room) return;
    await takeOut(ctx, room, session.id, { tenant, attempt });
    await ctx.store.sessions.leftRoom(session.id, room, attempt);
  });
}

function sit(session: LiveSession, found: FoundRoom, attempt: number | undefined): void {
  const { feed, seat, read } = found;
  feed.policy ??= read.policy;
  session.feed = feed;
  session.seat = seat;
  session.attempt = attempt;
  setImmediate(() => feed.seat(seat, session, read));
}

function positionOf(found: FoundRoom): RoomPosition {
  return { id: found.feed.id, generation: found.read.generation, seq: found.read.seq };
}

function disownElsewhere(ctx: ReplicaContext, owner: ReplicaId, id: SessionId): void {
  if (owner !== ctx.replica) ctx.store.registry.disown(owner, id).catch(() => undefined);
}

/** A log that does not reach back ends the session. */
async function noPartialReplay(ctx: ReplicaContext, id: SessionId): Promise<ResumeOutcome> {
  await burnAndClear(ctx, id, { reason: 'log_overflow', detail: '' });
  ctx.sessions.get(id)?.finish('log_overflow');
  return NONE;
}
