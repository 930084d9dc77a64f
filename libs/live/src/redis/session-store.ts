import { brandAs, type ReplicaId, type RoomSessionId, type SessionId, type TenantKey } from '@parley/domain';
import type { StoreTimes } from '../limits';
import type { SessionRecord } from '../port';
import type {
  Appended,
  Checkpoint,
  LogEntry,
  Look,
  Remains,
  RoomPosition,
  SessionRead,
  SessionStore,
  StoredRequest,
  StoredResume,
} from '../store';
import { endReason, oneLine } from '../wire';
import type { RedisConnection, Reply } from './connection';
import type { Keys } from './keys';
import { list, text, texts } from './replies';
import type { SESSION_SCRIPTS } from './scripts/session-scripts';

/** Sessions on Redis: each method is one script over one session's keys. */
export function redisSessions(redis: RedisConnection, keys: Keys, times: StoreTimes): SessionStore {
  const run = (name: keyof typeof SESSION_SCRIPTS, id: SessionId, ...args: (string | number)[]) =>
    redis.run(`session.${name}`, keys.session(id), [redis.publish, ...args]);
  const mark = (id: SessionId, epoch: number, checkpoint: Checkpoint, detached: 0 | 1) =>
    redis.run(
      'session.checkpoint',
      [keys.session(id)[0]],
      [epoch, checkpoint.session, JSON.stringify(checkpoint), detached],
    );
  const spans = `${times.keepMs} ${times.abandonedMs} ${times.tombstoneMs}`;
  return {
    async open(record, owner, parent) {
      const start: Checkpoint = { session: 0, room: undefined, roomEvent: 0 };
      await run('open', record.id, ...identity(record), owner, JSON.stringify(start), times.abandonedMs, parent ?? '');
    },
    append(id, tenant, json, permissions) {
      const [record] = keys.session(id);
      const args = [redis.publish, tenant, json, spans];
      if (permissions) args.push(JSON.stringify(permissions));
      return redis.run('session.append', [record], args).then(toAppended);
    },
    read: async (id, epoch, after) => toRead(await run('read', id, epoch, after)),
    resume: async (id, verifier, owner, after) =>
      toResume(list(await run('resume', id, verifier, owner, after ?? '', times.abandonedMs))),
    checkpoint: async (id, epoch, checkpoint) => void (await mark(id, epoch, checkpoint, 0)),
    detach: async (id, epoch, checkpoint) => void (await mark(id, epoch, checkpoint, 1)),
    async announce({ record, epoch, owner, parent, seq, room, checkpoint }, create) {
      const place = room ? [room.id, JSON.stringify(room)] : ['', ''];
      const known = [...identity(record), JSON.stringify(checkpoint), checkpoint.session, ...place];
      const args = [...known, create ? 1 : 0, times.abandonedMs, parent ?? ''];
      return toRead(await run('announce', record.id, epoch, owner, seq, ...args));
    },
    ...redisJoins(run),
    ...redisEnds(redis, keys, times, run),
    rename: async (id, epoch, userId) => (await run('rename', id, epoch, userId)) === 1,
    describe: async (id, epoch, record) => (await run('describe', id, epoch, JSON.stringify(record))) === 1,
    beginRequest: async (id, epoch, token, json) => (await run('beginRequest', id, epoch, token, json)) === 1,
    settleRequest: async (id, token) => void (await run('settleRequest', id, token)),
    orphan: async (id, owner, agoMs) => (await run('orphan', id, owner, agoMs)) === 1,
  };
}

type Run = (name: keyof typeof SESSION_SCRIPTS, id: SessionId, ...args: (string | number)[]) => Promise<Reply>;

function redisEnds(
  redis: RedisConnection,
  keys: Keys,
  times: StoreTimes,
  run: Run,
): Pick<SessionStore, 'burn' | 'look' | 'bury' | 'find' | 'virtual'> {
  return {
    async burn(id, { reason, detail, json, epoch, room, quiet }) {
      const when = [json ?? '', epoch ?? '', room ?? ''];
      const args = [reason, oneLine(detail), ...when, times.tombstoneMs, quiet ? 1 : 0];
      const reply = await run('burn', id, ...args);
      return reply === null ? undefined : toRemains(list(reply));
    },
    async look(id) {
      return toLook(list(await run('look', id, times.resumeWindowMs, times.halfDoneJoinMs, times.tombstoneMs)));
    },
    bury: async (id) => void (await run('bury', id)),
    async find(id) {
      const [record] = keys.session(id);
      const fields = await redis.guard(() => redis.client.hmget(record, 'state', 'tenant', 'user', 'room', 'parent'));
      const [state, tenant, userId, room, parent] = fields;
      if (!state || state === 'ended' || !tenant) return undefined;
      const inRoom = room ? brandAs<RoomSessionId>(room) : undefined;
      const attached = state === 'attached';
      const info = { id, tenant: brandAs<TenantKey>(tenant), userId: userId ?? '', room: inRoom, attached };
      return parent ? { ...info, parent: brandAs<SessionId>(parent) } : info;
    },
    async virtual(id) {
      const [record] = keys.session(id);
      const [state, data, parent, at] = await redis.guard(() =>
        redis.client.hmget(record, 'state', 'data', 'parent', 'at'),
      );
      if (!state || state === 'ended' || !data || !parent) return undefined;
      const room = at ? (JSON.parse(at) as RoomPosition) : undefined; // written by finishJoin()
      return { record: JSON.parse(data) as SessionRecord, room };
    },
  };
}

function redisJoins(
  run: Run,
): Pick<SessionStore, 'beginJoin' | 'finishJoin' | 'abandonJoin' | 'gaveUpJoin' | 'leftRoom'> {
  return {
    async beginJoin(id, epoch, room) {
      const attempt = await run('beginJoin', id, epoch, room);
      return typeof attempt === 'number' ? attempt : undefined;
    },
    async finishJoin(id, epoch, attempt, at) {
      const place = JSON.stringify(at);
      const checkpoint = `"room":${place},"roomEvent":${at.seq}`;
      const reply = await run('finishJoin', id, epoch, attempt, at.id, place, checkpoint);
      return reply === 'joined' || reply === 'withdrawn' ? reply : 'lost';
    },
    abandonJoin: async (id, epoch, attempt) =>
      (await run('abandonJoin', id, epoch, attempt)) === 'kept' ? 'kept' : 'abandoned',
    gaveUpJoin: async (id, attempt) => void (await run('gaveUpJoin', id, attempt)),
    leftRoom: async (id, room, attempt) => void (await run('leftRoom', id, room, attempt ?? '')),
  };
}

function identity(record: SessionRecord): string[] {
  return [JSON.stringify(record), record.tenant, record.userId, record.resumeVerifier];
}

function toResume([kind, ...rest]: readonly Reply[]): StoredResume {
  if (kind === 'gap') return { kind: 'gap' };
  if (kind !== 'resumed') return { kind: 'none' };
  const [data, epoch, former, from, joinedAt, checkpoint, entries, userId, permissions, prev, ...later] = rest;
  const [asked, entered, done, prevDone] = later;
  return {
    kind: 'resumed',
    record: toRecord(text(data), text(userId), text(permissions)),
    epoch: Number(epoch),
    previousOwner: brandAs<ReplicaId>(text(former)),
    after: Number(from),
    joinedAt: joinedAt === '' ? undefined : (JSON.parse(text(joinedAt)) as RoomPosition),
    attempt: toAttempt(done),
    checkpoint: JSON.parse(text(checkpoint)) as Checkpoint,
    entries: texts(entries).map(toEntry),
    previous: prev === '' ? undefined : { room: brandAs<RoomSessionId>(text(prev)), attempt: toAttempt(prevDone) },
    request: toRequest(text(asked), text(entered) === '1'),
  };
}

/** As it was opened, with what was changed since. */
function toRecord(data: string, userId: string, permissions: string): SessionRecord {
  const record = { ...(JSON.parse(data) as SessionRecord), userId }; // written by open() below the same port
  return permissions === '' ? record : { ...record, permissions: JSON.parse(permissions) as string[] };
}

/** `seq\nms\njson` */
function toEntry(line: string): LogEntry {
  const first = line.indexOf('\n');
  return { seq: Number(line.slice(0, first)), json: line.slice(line.indexOf('\n', first + 1) + 1) };
}

/** `token\njson` */
function toRequest(asked: string, entered: boolean): StoredRequest | undefined {
  const end = asked.indexOf('\n');
  return end < 0 ? undefined : { token: asked.slice(0, end), json: asked.slice(end + 1), entered };
}

function toAppended(reply: Reply): Appended {
  if (reply === 'sent' || reply === 'overflow' || reply === 'missing') return reply;
  const [parent] = list(reply);
  return parent ? { parent: brandAs<SessionId>(text(parent)) } : 'unknown';
}

function toRead(reply: Reply): SessionRead {
  const [kind, one, two] = list(reply);
  if (kind === 'log') return { kind, seq: Number(one), entries: texts(two).map(toEntry) };
  if (kind === 'ended') return { kind, reason: endReason(text(one)), detail: text(two) };
  return kind === 'gap' || kind === 'taken' ? { kind } : { kind: 'missing' };
}

function toRemains([, tenant, userId, owner, quiet, ...rooms]: readonly Reply[]): Remains {
  return {
    quiet: text(quiet) === '1',
    tenant: brandAs<TenantKey>(text(tenant)),
    userId: text(userId),
    owner: brandAs<ReplicaId>(text(owner)),
    rooms: texts(rooms)
      .filter((room) => room !== '')
      .map((room) => brandAs<RoomSessionId>(room)),
  };
}

function toLook(reply: readonly Reply[]): Look {
  const [kind, one, two, three, four] = reply;
  if (kind === 'over') return { kind, remains: toRemains(reply) };
  if (kind === 'later') return { kind, inMs: Number(one) };
  if (kind !== 'half-done') return { kind: 'nothing' };
  const joining =
    text(one) === '' ? {} : { joining: { room: brandAs<RoomSessionId>(text(one)), attempt: Number(two) } };
  const room = brandAs<RoomSessionId>(text(three));
  return { kind, ...joining, ...(room === '' ? {} : { previous: { room, attempt: toAttempt(four) } }) };
}

function toAttempt(reply: Reply | undefined): number | undefined {
  return text(reply) === '' ? undefined : Number(text(reply));
}
