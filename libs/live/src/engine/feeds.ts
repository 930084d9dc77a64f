import type { RoomSessionId } from '@parley/domain';
import type { ReplicaContext } from './context';
import { RoomFeed } from './room-feed';

/** The rooms this replica has members in. */
export class Feeds {
  private readonly byRoom = new Map<RoomSessionId, RoomFeed>();

  constructor(private readonly context: () => ReplicaContext) {}

  get(room: RoomSessionId): RoomFeed | undefined {
    return this.byRoom.get(room);
  }

  all(): RoomFeed[] {
    return [...this.byRoom.values()];
  }

  /** The room's feed with a place kept for `seat`, hearing everything from now on. */
  async expect(room: RoomSessionId, seat: object): Promise<RoomFeed> {
    const feed = this.byRoom.get(room) ?? new RoomFeed(this.context(), room);
    this.byRoom.set(room, feed);
    feed.expect(seat);
    try {
      await this.hearAll(room);
    } catch (error) {
      feed.unexpect(seat);
      throw error;
    }
    return feed;
  }

  /** Resolves once everything was heard that was told of the room before. */
  hearAll(room: RoomSessionId): Promise<void> {
    return this.context().store.bus.listen(`r:${room}`, (text) => this.byRoom.get(room)?.onSignal(text));
  }

  dropIfIdle(feed: RoomFeed): void {
    if (!feed.idle || this.byRoom.get(feed.id) !== feed) return;
    this.byRoom.delete(feed.id);
    this.context()
      .store.bus.unlisten(`r:${feed.id}`)
      .catch(() => undefined);
  }
}
