import { brandAs, type Member, type PeerChange, type PeerCursor, type Presence, type SessionId } from '@parley/domain';
import type { StoreTimes } from '../limits';
import { presenceOf, settlesInMs } from '../peers';
import type { PeerStore, StoredChange } from '../store';
import type { RedisConnection, Reply } from './connection';
import type { Keys } from './keys';
import { list, text, texts } from './replies';
import type { PEER_SCRIPTS } from './scripts/peer-scripts';

type Who = Pick<Presence, 'userId' | 'displayName'>;

/** What is kept of a member besides its place. */
export function whoOf({ userId, displayName }: Who): string {
  return JSON.stringify({ userId, ...(displayName === undefined ? {} : { displayName }) });
}

/** What a script answers of a coming or going it noted. */
export function noted(generation: Reply | undefined, answer: Reply | undefined, change: PeerChange): StoredChange {
  const [n] = list(answer);
  return { generation: text(generation), n: Number(n), change };
}

/** When a script noted something. */
export function notedAt(answer: Reply | undefined): Date {
  return new Date(Number(list(answer)[1]));
}

/** Comings and goings on Redis. */
export function redisPeers(
  redis: RedisConnection,
  keys: Keys,
  times: StoreTimes,
  run: (name: keyof typeof PEER_SCRIPTS, ...args: Parameters<PeerStore['peerNews']>) => Promise<Reply>,
  toMembers: (reply: Reply | undefined) => Member[],
): PeerStore {
  return {
    async peerNews(room, since) {
      const [generation, n, now, born, reaches, entries, roster, members] = list(await run('peerNews', room, since));
      const time = Number(now);
      return {
        cursor: { generation: text(generation), n: Number(n) },
        now: new Date(time),
        settlesInMs: settlesInMs(times, time - Number(born)),
        changes: reaches === 1 ? texts(entries).map(toChange) : undefined,
        present: roster === 1 ? toMembers(members).map(presenceOf) : undefined,
      };
    },
    async peerCursors(rooms) {
      const states = await redis.guard(() =>
        Promise.all(rooms.map((room) => redis.client.hmget(keys.room(room)[0], 'gen', 'peers'))),
      );
      const cursors = rooms.map((room, at) => [room, toCursor(states[at])] as const);
      return new Map(cursors.flatMap(([room, cursor]) => (cursor ? [[room, cursor]] : [])));
    },
  };
}

function toCursor([generation, n]: readonly (string | null)[] = []): PeerCursor | undefined {
  return generation && n ? { generation, n: Number(n) } : undefined;
}

const ENTRY = /^(\d+)\|([jhl])\|(\d+)\|([^\n]*)\n(.*)$/s;

/** `ms|kind|order|session\nwho`, written by note_peer(). */
function toChange(entry: string): PeerChange {
  const [, ms, kind, order, id = '', who = ''] = ENTRY.exec(entry) ?? [];
  const place = { sessionId: brandAs<SessionId>(id), order: Number(order) };
  if (kind === 'l') return { kind: 'left', ...place, at: new Date(Number(ms)) };
  const role = kind === 'h' ? 'host' : 'guest';
  return { kind: 'joined', presence: { ...place, role, ...(JSON.parse(who) as Who) } };
}
