import type { RoomSessionId, SessionId } from '../kernel/ids';
import type { Stores, UnitOfWork } from '../kernel/unit-of-work';
import type { LivePeers, PeerChange, PeerCursor, PeerNews } from './live-peers';
import { PeerLedger } from './peer-ledger';
import type { PeerAccount, PeerStanding, PresenceId } from './peer-store';

/** How many rooms a round looks at together, and how many are told of side by side. */
const PAGE = 500;
const AT_ONCE = 4;

/** How rooms with news are gathered, in milliseconds: those of a moment cost one question to the database. */
export const PEER_TELLING = { name: 'peer events', pauseMs: 100, retryMs: 1_000 } as const;

/** What became of some rooms. */
export interface PeerRound {
  /** Of how many something was told, as far as it goes. */
  readonly done: number;
  /** Rooms to be told of again, and after how many milliseconds. */
  readonly again: ReadonlyMap<RoomSessionId, number>;
  readonly failures: ReadonlyArray<{ readonly id: RoomSessionId; readonly error: unknown }>;
}

/** Where an account stands that has seen nothing of what the live store has now. */
const LOST: PeerCursor = { generation: 'lost', n: 0 };

/** What became of one room: the news that are told, if anything has to be told at all. */
type Told = { readonly news?: Pick<PeerNews, 'cursor' | 'lost'>; readonly againInMs?: number };

/**
 * Copies the comings and goings of rooms from the live layer to the outbox, in order and once, whoever does it and how
 * often: under the lock of the room's row, with the cursor and the list of who was told to be in. A live store that lost
 * a room is waited for until everybody who is in must have been given back; then what was told is made to agree with that.
 */
export class PeerTelling {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly live: LivePeers,
  ) {}

  /**
   * To be called with the rooms that have news (LiveEvents.onPeers).
   * @throws DomainError unavailable, with nothing done
   */
  async tell(rooms: readonly RoomSessionId[]): Promise<PeerRound> {
    const heard = new Set(await this.uow.run((stores) => stores.peers.heard(rooms)));
    for (const room of rooms) if (!heard.has(room)) this.live.forgetPeers(room);
    // A live store that is away is found out here, and not with each room's row locked.
    if (heard.size > 0) await this.live.peerCursors([...heard]);
    return this.tellEach([...heard]);
  }

  /**
   * Finds the rooms with news that nobody was told of, e.g. because the replica that should have died. Every few seconds;
   * any number of replicas may.
   */
  async sweep(): Promise<PeerRound> {
    await this.uow.run((stores) => stores.peers.forgetUnheard());
    const again = new Map<RoomSessionId, number>();
    const failures: Array<PeerRound['failures'][number]> = [];
    let done = 0;
    let page: readonly PeerStanding[] = [];
    do {
      const after = page.at(-1)?.room ?? null;
      page = await this.uow.run((stores) => stores.peers.standings(after, PAGE));
      const cursors = await this.live.peerCursors(page.map(({ room }) => room));
      const behind = page.filter((standing) => isBehind(standing, cursors.get(standing.room)));
      await this.beginAnew(
        page.filter(({ room, since, occupied }) => {
          return typeof since !== 'string' && !occupied && !cursors.has(room);
        }),
      );
      const round = await this.tellEach(behind.map(({ room }) => room));
      for (const [room, ms] of round.again) again.set(room, ms);
      failures.push(...round.failures);
      done += round.done;
    } while (page.length === PAGE);
    return { done, again, failures };
  }

  /** In the transaction that closed the room, before that is told: everybody is told to have gone. */
  async tellEnd(stores: Stores, room: RoomSessionId): Promise<void> {
    const account = await stores.peers.open(room, 'ending');
    const told = await stores.peers.told(room);
    // Nobody listens any more.
    if (account === null) return stores.peers.save(room, { came: [], gone: told.map(({ sessionId }) => sessionId) });
    const news = await this.live.peerNews(room, account.since);
    const ledger = new PeerLedger(told);
    const lost = await untold(stores, account, news.lost);
    for (const change of [...lost, ...(news.changes ?? [])]) ledger.follow(change);
    if (news.present) ledger.agree(news.present, news.now);
    ledger.end(news.now);
    await write(stores, account, ledger, news.cursor);
  }

  /** Empty rooms that the live store has forgotten: whoever enters one is told at once, without waiting for others. */
  private async beginAnew(rooms: readonly PeerStanding[]): Promise<void> {
    for (const { room, since } of rooms) {
      await this.uow.run(async (stores) => {
        const account = await stores.peers.open(room);
        // Who came and went since it was looked at was told of already, and would be again.
        if (account === null || !isSamePlace(account.since, since)) return;
        if ((await stores.peers.told(room)).length > 0) return;
        await stores.peers.save(room, { came: [], gone: [], cursor: 'first' });
      });
    }
  }

  private async tellEach(rooms: readonly RoomSessionId[]): Promise<PeerRound> {
    const again = new Map<RoomSessionId, number>();
    const failures: Array<PeerRound['failures'][number]> = [];
    let done = 0;
    const left = rooms.values();
    const work = async () => {
      for (const room of left) {
        try {
          const { againInMs } = await this.tellOne(room);
          if (againInMs !== undefined) again.set(room, againInMs);
          done += 1;
        } catch (error) {
          failures.push({ id: room, error });
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return { done, again, failures };
  }

  private async tellOne(room: RoomSessionId): Promise<Told> {
    const told = await this.uow.run(async (stores): Promise<Told> => {
      const account = await stores.peers.open(room);
      if (account === null) return {};
      // Under the lock: what is read before may be of a generation that the room has left behind.
      const news = await this.live.peerNews(room, account.since);
      return bring(stores, account, news);
    });
    this.live.forgetPeers(room, told.news);
    return told;
  }
}

/** Brings the account up to the news. */
async function bring(stores: Stores, account: PeerAccount, news: PeerNews): Promise<Told> {
  const { since } = account;
  const ledger = new PeerLedger(await stores.peers.told(account.room, concerned(news)));
  const before = since === 'now' ? inTime(news) : await untold(stores, account, news.lost);
  for (const change of before) ledger.follow(change);
  const lostOnly = { lost: news.lost, cursor: { ...news.cursor, n: 0 } };
  if (since === 'first' && news.lost.length > 0) {
    // From here on it is a room that the live store lost.
    await write(stores, account, ledger, LOST);
    return { news: lostOnly, againInMs: news.settlesInMs };
  }
  if (typeof since !== 'string' && since.generation !== news.cursor.generation && news.settlesInMs > 0) {
    await write(stores, account, ledger);
    return { news: lostOnly, againInMs: news.settlesInMs };
  }
  // Told late: of those who were lost with the store, whoever was given back to it is known.
  if (typeof since !== 'string' && since.generation === news.cursor.generation) ledger.dismissNewcomers(news.now);
  for (const change of news.changes ?? []) ledger.follow(change);
  if (news.present) ledger.agree(news.present, news.now);
  await write(stores, account, ledger, news.cursor);
  return { news };
}

/** What others have not told by now: a presence that was lost with the store may have been given back to it. */
async function untold(
  { peers }: Stores,
  { room }: PeerAccount,
  lost: readonly PeerChange[],
): Promise<readonly PeerChange[]> {
  const came = lost.flatMap((change) => (change.kind === 'joined' ? [change.presence] : []));
  if (came.length === 0) return lost;
  const told = new Set((await peers.everTold(room, came)).map(nameOf));
  return lost.filter((change) => change.kind === 'left' || !told.has(nameOf(change.presence)));
}

function nameOf({ sessionId, order }: PresenceId): string {
  return `${order} ${sessionId}`;
}

/** Whose account is needed; undefined: everybody's. */
function concerned({ lost, changes = [], present }: PeerNews): readonly SessionId[] | undefined {
  if (present !== undefined) return undefined;
  const all = [...lost, ...changes].map((each) => (each.kind === 'joined' ? each.presence.sessionId : each.sessionId));
  return [...new Set(all)];
}

/** Those who are in and what else this replica knows, for somebody who begins to listen. */
function inTime({ lost, present = [] }: PeerNews): readonly PeerChange[] {
  const time = (change: PeerChange) => (change.kind === 'joined' ? change.presence.order : change.at.getTime());
  const changes = [...lost, ...present.map((presence) => ({ kind: 'joined', presence }) as const)];
  return changes.sort((a, b) => time(a) - time(b));
}

async function write(
  stores: Stores,
  { room, domain, roomName }: PeerAccount,
  ledger: PeerLedger,
  cursor?: PeerCursor,
): Promise<void> {
  await stores.peers.save(room, { ...ledger.difference(), ...(cursor === undefined ? {} : { cursor }) });
  const events = ledger.events.map(({ type, facts, occurredAt }) => {
    return { type, domain, roomName, roomSessionId: room, payload: facts, occurredAt };
  });
  await stores.outbox.appendAll(room, events);
}

/** A room that the live store does not know has news when somebody was told to be in it. */
function isBehind({ since, occupied }: PeerStanding, cursor: PeerCursor | undefined): boolean {
  return cursor === undefined ? occupied : !isSamePlace(since, cursor);
}

function isSamePlace(a: PeerAccount['since'], b: PeerAccount['since']): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return a.generation === b.generation && a.n === b.n;
}
