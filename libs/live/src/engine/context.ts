import type { ReplicaId, RoomSessionId, SessionId } from '@parley/domain';
import type { LiveTimes } from '../port';
import type { LiveStore } from '../store';
import type { Arrivals } from './arrivals';
import type { Chores } from './chores';
import type { Departures } from './departures';
import type { Expiries } from './expiries';
import type { Feeds } from './feeds';
import type { LiveSession } from './live-session';
import type { Losses } from './losses';
import type { Shortcut } from './shortcut';
import type { SessionTopics } from './session-topics';
import type { Virtuals } from './virtuals';

/** Where the live layer reports what an operator should see. Never tokens, never payloads. */
export interface LiveLogger {
  warn(fields: Readonly<Record<string, string | number | boolean>>, message: string): void;
}

/** What the parts of one replica share. */
export interface ReplicaContext {
  readonly replica: ReplicaId;
  readonly store: LiveStore;
  readonly times: LiveTimes;
  readonly logger: LiveLogger;
  /** Sessions this replica owns. */
  readonly sessions: Map<SessionId, LiveSession>;
  readonly feeds: Feeds;
  readonly arrivals: Arrivals;
  readonly topics: SessionTopics;
  readonly chores: Chores;
  /** Those the sessions here speak for. */
  readonly virtuals: Virtuals;
  readonly expiries: Expiries;
  readonly shortcut: Shortcut;
  readonly losses: Losses;
  /**
   * Whether others certainly do not take this replica for dead. A frozen process must not deliver before it has asked,
   * or a client that resumed elsewhere would be served twice.
   */
  leaseValid(): boolean;
  /** Asks now, when that is so: others may have gone on with what this replica holds. */
  renewLease(): Promise<void>;
  /** Undefined while the lease is valid; else settles when it is worth looking again. */
  doubt(): Promise<void> | undefined;
  /** Whether a session is held here, or is just being resumed here. */
  holds(id: SessionId): boolean;
  /** Something does not add up: look at the store soon instead of at the next beat. */
  suspect(): void;
  /** Looks at what is due now, so that what has expired does not count. */
  sweep(): Promise<void>;
  occupancy(room: RoomSessionId, occupied: boolean): void;
  readonly departures: Departures;
}
