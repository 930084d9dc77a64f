import { LIVE_TIMES, LOG_LIMITS, type LiveTimes } from './port';

/**
 * A room's log serves all its members at once, so it keeps more than a session's: so much at most, and up to
 * `LOG_LIMITS.slack` messages less. A session that is further behind when it resumes is told to start anew.
 */
export const ROOM_LOG_LIMITS = { messages: 1024, bytes: 4 * LOG_LIMITS.bytes } as const;

/** How much is kept of a room's comings and goings, for those who are told of them outside: so many, and so long. */
export const PEER_LIMITS = { changes: 4_096, keepMs: 900_000 } as const;

/** What the transient values of one room may come to, keys and JSON together, in bytes of UTF-8: whoever enters is told all of them. */
export const TRANSIENT_LIMITS = { keys: 1_024, bytes: 1_048_576 } as const;

/** Spans the stores derive from the replica's times, in milliseconds. */
export interface StoreTimes {
  readonly resumeWindowMs: number;
  readonly halfDoneJoinMs: number;
  readonly deadAfterMs: number;
  readonly generationGraceMs: number;
  /**
   * How long delivered messages are kept: the resume window, and as long again for connections whose end was noticed
   * late.
   */
  readonly keepMs: number;
  /** How long it is remembered that a session ended or a room closed, for owners that were not listening. */
  readonly tombstoneMs: number;
  /** State nobody announced for this long belongs to nobody. */
  readonly abandonedMs: number;
  /** How long a session counts and holds its foreign id without being announced: its detached time and some rounds. */
  readonly believedMs: number;
  /** How long telling of a departure may take, before another replica tries. */
  readonly departureMs: number;
  /** How long a claim on due work holds. */
  readonly claimMs: number;
}

export function storeTimes(times: LiveTimes = LIVE_TIMES): StoreTimes {
  return {
    resumeWindowMs: times.resumeWindowMs,
    halfDoneJoinMs: times.halfDoneJoinMs,
    deadAfterMs: times.deadAfterMs,
    generationGraceMs: times.generationGraceMs,
    keepMs: 2 * times.resumeWindowMs,
    tombstoneMs: 120_000 + 2 * times.resumeWindowMs,
    abandonedMs: 3_600_000 + 10 * times.reannounceMs,
    believedMs: times.resumeWindowMs + times.deadAfterMs + 4 * times.reannounceMs,
    departureMs: times.departureMs,
    claimMs: 10_000,
  };
}
