import type { Clock } from '@parley/domain';
import type { Live } from '@parley/live';
import type { Database } from '@parley/persistence';
import type { Backends } from './backends';
import { BridgeDialout } from './bridge-dialout';
import { BridgeReports } from './bridge-reports';
import { InternalRooms } from './internal-rooms';
import { ParticipantsBoard } from './participants-board';
import { VirtualNotices } from './virtual-notices';
import { VirtualSessions } from './virtual-sessions';

export interface ParticipationOptions {
  readonly live: Pick<Live, 'sessions' | 'rooms' | 'asks' | 'events'>;
  readonly database: Database;
  readonly foreign: Pick<Backends, 'store' | 'nextcloud' | 'notices'>;
  readonly clock: Clock;
  /** How long a bridge may take to answer, in milliseconds; tests shorten it. */
  readonly dialoutMs?: number;
  /** How long everybody is shown that a call is over, in milliseconds; tests shorten it. */
  readonly endedCallMs?: number;
}

/** Everything about who takes part in calls, and those who speak for others. */
export interface Participation {
  readonly board: ParticipantsBoard;
  readonly virtuals: VirtualSessions;
  readonly bridges: BridgeReports;
  readonly dialout: BridgeDialout;
}

/** Puts it together; from now on also those who go without a word are taken off the lists. */
export function openParticipation(options: ParticipationOptions): Participation {
  const { live, database, foreign, clock, dialoutMs, endedCallMs } = options;
  const board = new ParticipantsBoard(live, clock);
  const rooms = new InternalRooms(foreign.store, database.stores.rooms);
  const notices = new VirtualNotices(foreign.store, foreign.nextcloud);
  const virtuals = new VirtualSessions({ live, rooms, notices, leaves: foreign.notices, board });
  live.events.onLeft(async (departure) => {
    const { room, member } = departure;
    if (member.kind === 'internal' && room !== undefined) await board.publish(room);
    if (member.kind === 'virtual') await virtuals.left(departure);
  });
  return {
    board,
    virtuals,
    bridges: new BridgeReports(live, rooms, endedCallMs),
    dialout: new BridgeDialout({ asks: live.asks, sessions: live.sessions, answerMs: dialoutMs }),
  };
}
