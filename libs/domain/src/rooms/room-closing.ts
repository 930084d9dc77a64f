import type { Clock } from '../kernel/clock';
import type { UnitOfWork } from '../kernel/unit-of-work';
import { PeerTelling } from '../peers/peer-telling';
import type { LiveRooms } from './live-rooms';
import type { Room } from './room';

/** After this long a closing that nobody finished is finished or undone, in seconds. */
export const STUCK_AFTER_SECONDS = 10;

const PAGE = 100;

/** What a round over many rooms did. One room's failure does not keep the others waiting; the caller logs it. */
export interface RoundReport {
  /** Rooms that were closed, corrected, ... */
  readonly done: number;
  readonly failures: ReadonlyArray<{ readonly room: Room; readonly error: unknown }>;
}

/** Does `work` for each room in turn; `work` answers whether it did something. */
export async function eachRoom<Each extends Room>(
  rooms: readonly Each[],
  work: (room: Each) => Promise<boolean>,
): Promise<RoundReport> {
  let done = 0;
  const failures: Array<{ room: Room; error: unknown }> = [];
  for (const room of rooms) {
    try {
      if (await work(room)) done += 1;
    } catch (error) {
      failures.push({ room, error });
    }
  }
  return { done, failures };
}

/**
 * How a room ends although it lives in two stores. The mark in PostgreSQL lets the sweeper find closings that were left
 * half done; the mark in live state shuts the door; PostgreSQL then decides; live state is deleted last.
 */
export class RoomClosing {
  private readonly peers: PeerTelling;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly live: LiveRooms,
    private readonly clock: Clock,
  ) {
    this.peers = new PeerTelling(uow, live);
  }

  /** False, and nothing changed, while somebody is in and `force` is false. True too when it was closed already. */
  async close(room: Room, force: boolean): Promise<boolean> {
    const marked = await this.uow.run((stores) => stores.rooms.markClosing(room.id, this.clock.now()));
    if (!marked) return true;
    return this.closeMarked(room, force);
  }

  /** Finishes or undoes the closings that stand half done for longer than 10 s. */
  async sweep(now: Date): Promise<RoundReport> {
    const before = new Date(now.getTime() - STUCK_AFTER_SECONDS * 1_000);
    const stuck = await this.uow.run((stores) => stores.rooms.stuckClosing(before, PAGE));
    return eachRoom(stuck, async (room) => {
      if (room.closedAt === null) await this.closeMarked(room, false);
      else await this.finish(room);
      return true;
    });
  }

  private async closeMarked(room: Room, force: boolean): Promise<boolean> {
    if ((await this.live.beginClosing(room.id, force)) === 'occupied') {
      await this.uow.run((stores) => stores.rooms.clearClosing(room.id));
      return false;
    }
    try {
      await this.commitEnd(room);
    } catch (error) {
      await this.undo(room);
      throw error;
    }
    await this.finish(room);
    return true;
  }

  private async commitEnd(room: Room): Promise<void> {
    const now = this.clock.now();
    await this.uow.run(async (stores) => {
      if (!(await stores.rooms.close(room.id, now))) return;
      await this.peers.tellEnd(stores, room.id);
      await stores.outbox.append({
        type: 'room.removed',
        domain: room.domain,
        roomName: room.name,
        roomSessionId: room.id,
        payload: {},
        occurredAt: now,
      });
    });
  }

  private async undo(room: Room): Promise<void> {
    // What fails here too is found by the sweeper, as is a commit that succeeded although its answer was lost.
    await Promise.allSettled([
      this.live.undoClosing(room.id),
      this.uow.run((stores) => stores.rooms.clearClosing(room.id)),
    ]);
  }

  private async finish(room: Room): Promise<void> {
    await this.live.finishClosing(room.id);
    await this.uow.run((stores) => stores.rooms.closingDone(room.id));
  }
}
