import type { LivePeers, PeerCursor, RoomSessionId } from '@parley/domain';
import type { RoomStore, StoredChange } from '../store';

type Listener = (room: RoomSessionId) => void;

/** A room of which nobody reads what is remembered does not fill the memory. */
const REMEMBERED = 4_096;

/**
 * Says which rooms somebody came into or went out of by what this replica did, and remembers it until it was read: a store
 * that is lost in between does not know any more who came and went.
 */
export class Peers {
  private readonly listeners: Listener[] = [];
  private readonly remembered = new Map<RoomSessionId, StoredChange[]>();
  /** What others of this replica call: each change is noted on its way back from the store. */
  readonly rooms: RoomStore;

  constructor(private readonly store: RoomStore) {
    this.rooms = { ...store, ...this.taking(store) };
  }

  listen(listener: Listener): void {
    this.listeners.push(listener);
  }

  /** What the rest of the house may ask. */
  face(): LivePeers {
    const { store } = this;
    return {
      peerNews: async (room, since) => {
        const news = await store.peerNews(room, since);
        return { ...news, lost: this.lost(room, since, news.cursor) };
      },
      peerCursors: (rooms) => store.peerCursors(rooms),
      forgetPeers: (room, told) => {
        if (told === undefined) return void this.remembered.delete(room);
        const lost = new Set(told.lost);
        this.keep(room, (note) => !isCovered(note, told.cursor) && !lost.has(note.change));
      },
    };
  }

  private taking(store: RoomStore): Pick<RoomStore, 'join' | 'leave' | 'announce' | 'finishClosing'> {
    return {
      join: (room, request) => this.after(room, store.join(room, request), (answer) => noteOf(answer)),
      leave: (room, session, attempt) => this.after(room, store.leave(room, session, attempt), ({ noted }) => noted),
      announce: (room, generation, policy, members) =>
        this.after(room, store.announce(room, generation, policy, members), (answer) =>
          answer !== undefined && answer.generation !== generation ? 'unread' : undefined,
        ),
      finishClosing: (room) => this.after(room, store.finishClosing(room), () => 'unread'),
    };
  }

  /** @param read what of the answer is news; `unread`: something happened that is not known here */
  private after<Answer>(
    room: RoomSessionId,
    answer: Promise<Answer>,
    read: (answer: Answer) => StoredChange | 'unread' | undefined,
  ): Promise<Answer> {
    if (this.listeners.length === 0) return answer;
    return answer.then(
      (value) => {
        this.hear(room, read(value));
        return value;
      },
      (error: unknown) => {
        // It may have been done.
        this.hear(room, 'unread');
        throw error;
      },
    );
  }

  private hear(room: RoomSessionId, news: StoredChange | 'unread' | undefined): void {
    if (news === undefined) return;
    if (news !== 'unread') {
      const known = this.remembered.get(room) ?? [];
      known.push(news);
      if (known.length > REMEMBERED) known.shift();
      this.remembered.set(room, known);
    }
    for (const listener of this.listeners) listener(room);
  }

  private keep(room: RoomSessionId, which: (note: StoredChange) => boolean): void {
    const kept = (this.remembered.get(room) ?? []).filter(which);
    if (kept.length === 0) this.remembered.delete(room);
    else this.remembered.set(room, kept);
  }

  /** What a reader at `since` did not read and cannot read any more. */
  private lost(room: RoomSessionId, since: PeerCursor | 'first' | 'now', now: PeerCursor): StoredChange['change'][] {
    const known = this.remembered.get(room) ?? [];
    // Nobody listened when this replica was asked last.
    if (since === 'now') return known.map(({ change }) => change);
    const gone = known.filter(({ generation }) => generation !== now.generation);
    if (since !== 'first') this.keep(room, (note) => !isCovered(note, since));
    return gone.filter((note) => since === 'first' || !isCovered(note, since)).map(({ change }) => change);
  }
}

/** Who stands at `cursor` has read it. */
function isCovered({ generation, n }: StoredChange, cursor: PeerCursor): boolean {
  return generation === cursor.generation && n <= cursor.n;
}

function noteOf(answer: Awaited<ReturnType<RoomStore['join']>>): StoredChange | undefined {
  return answer.kind === 'joined' ? answer.noted : undefined;
}
