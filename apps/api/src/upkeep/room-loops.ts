import { type BookingService, type Clock, isDomainError, type PeerTelling, type RoomService } from '@parley/domain';
import type { Live } from '@parley/live';
import { type Background, every, type Logger } from '@parley/server-kit';

/** What a round did, and the rooms it failed with. */
interface RoundReport {
  readonly done: number;
  readonly failures: ReadonlyArray<{ readonly id: string; readonly error: unknown }>;
}

interface Chore {
  readonly name: string;
  readonly everyMs: number;
  readonly work: () => Promise<RoundReport>;
}

/**
 * Closes rooms and ends bookings whose time is up, ends what was left half done and makes PostgreSQL and live state agree.
 * Every replica runs the loops; a lease per chore lets one act and another take over when it dies.
 */
export class RoomLoops {
  private readonly running: readonly Background[];
  private readonly chores: readonly Chore[];

  constructor(
    rooms: RoomService,
    bookings: BookingService,
    peers: PeerTelling,
    private readonly live: Live,
    private readonly logger: Logger,
    clock: Clock,
  ) {
    this.chores = [
      { name: 'close-due-rooms', everyMs: 1_000, work: async () => byId(await rooms.closeDue(clock.now())) },
      {
        name: 'expire-bookings',
        everyMs: 1_000,
        work: async () => ({ done: await bookings.expire(clock.now()), failures: [] }),
      },
      {
        name: 'sweep-stuck-closings',
        everyMs: 5_000,
        work: async () => byId(await rooms.sweepStuckClosings(clock.now())),
      },
      { name: 'reconcile-rooms', everyMs: 30_000, work: async () => byId(await rooms.reconcile()) },
      { name: 'tell-of-peers', everyMs: 5_000, work: () => peers.sweep() },
    ];
    this.running = this.chores.map((chore) =>
      every(chore.name, chore.everyMs, () => this.runIfPossible(chore), logger),
    );
  }

  /** Stops the loops and gives the leases up, so that another replica need not wait for them. */
  async close(): Promise<void> {
    await Promise.all(this.running.map((loop) => loop.close()));
    const { guards, replica } = this.live;
    await Promise.allSettled(this.chores.map(({ name }) => guards.release(leaseOf(name), replica)));
  }

  private async runIfPossible(chore: Chore): Promise<void> {
    try {
      await this.run(chore);
    } catch (error) {
      // An outage is told by readiness and the connections; a line per second would drown everything else.
      if (!isDomainError(error, 'unavailable')) throw error;
      this.logger.debug({ loop: chore.name, err: error }, 'rooms and bookings cannot be tended now');
    }
  }

  private async run({ name, everyMs, work }: Chore): Promise<void> {
    const leaseMs = Math.max(3 * everyMs, 15_000);
    if (!(await this.live.guards.lease(leaseOf(name), this.live.replica, leaseMs))) return;
    const { done, failures } = await work();
    if (done > 0) this.logger.info({ loop: name, done }, 'rooms or bookings were tended');
    for (const { id, error } of failures) {
      this.logger.warn({ loop: name, room: id, err: error }, 'a room could not be tended');
    }
  }
}

function byId({ done, failures }: Awaited<ReturnType<RoomService['closeDue']>>): RoundReport {
  return { done, failures: failures.map(({ room, error }) => ({ id: room.id, error })) };
}

const leaseOf = (chore: string) => `api:${chore}`;
