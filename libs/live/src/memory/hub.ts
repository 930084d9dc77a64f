import { DomainError, type Clock, type RoomSessionId, type SessionId } from '@parley/domain';
import type { Topic } from '../store';
import type { RoomState } from './room-state';
import type { SessionState } from './session-state';

/** A member of the due list. */
export interface DueEntry {
  at: number;
  version: number;
  /** Somebody is at it until then. */
  claimed: boolean;
}

/**
 * What Redis is to several replicas, in one process: the state and the channels. Replicas made with the same hub see
 * each other.
 */
export class MemoryLiveHub {
  readonly sessions = new Map<SessionId, SessionState>();
  readonly rooms = new Map<RoomSessionId, RoomState>();
  readonly replicas = new Map<string, number>();
  readonly owned = new Map<string, Set<SessionId>>();
  readonly users = new Map<string, Set<SessionId>>();
  readonly due = new Map<SessionId, DueEntry>();
  readonly dueRooms = new Map<RoomSessionId, DueEntry>();
  /** Sessions of a tenant, and until when they are believed to be there. */
  readonly counted = new Map<string, Map<SessionId, number>>();
  readonly foreign = new Map<string, { holder: SessionId; until: number }>();
  readonly departures = new Map<string, { token: string; json: string; at: number }>();
  readonly listed = { sessions: new Map<string, number>(), rooms: new Map<string, number>() };
  readonly virtuals = new Map<string, Set<SessionId>>();
  readonly asks = new Map<string, { until: number; json: string | undefined }>();
  readonly seen = new Map<string, Map<string, number>>();
  readonly counters = new Map<string, { count: number; until: number }>();
  readonly leases = new Map<string, { holder: string; until: number }>();
  readonly channels = new Map<Topic, Set<(text: string) => void>>();
  generation: { id: string; since: number } | undefined;
  private serial = 0;
  private failures = 0;
  private away = false;

  constructor(private readonly clock: Clock = { now: () => new Date() }) {}

  now(): number {
    return this.clock.now().getTime();
  }

  /** A number or name that never comes back. */
  unique(): string {
    return `g${++this.serial}`;
  }

  /** For tests: the next operations fail as if the store did not answer. */
  failNext(count = 1): void {
    this.failures += count;
  }

  /** For tests: nothing answers until {@link comeBack}. */
  goAway(): void {
    this.away = true;
  }

  comeBack(): void {
    this.away = false;
  }

  /** For tests: everything is lost, as by FLUSHALL. Channels stay. */
  flush(): void {
    const state = [this.sessions, this.rooms, this.replicas, this.owned, this.users, this.due, this.dueRooms];
    const indexes = [
      this.counted,
      this.foreign,
      this.virtuals,
      this.departures,
      this.asks,
      this.listed.sessions,
      this.listed.rooms,
    ];
    for (const map of [...state, ...indexes, this.seen, this.counters, this.leases]) map.clear();
    this.generation = undefined;
  }

  /** Runs one operation of the store: all of it at once, after a turn, as another process would. */
  async run<T>(operation: () => T): Promise<T> {
    await Promise.resolve();
    if (this.away || this.failures > 0) {
      if (!this.away) this.failures--;
      throw new DomainError('unavailable', 'The live store does not answer.');
    }
    return operation();
  }

  publish(topic: Topic, text: string): void {
    for (const listener of this.channels.get(topic) ?? []) {
      setImmediate(() => {
        if (this.channels.get(topic)?.has(listener)) listener(text);
      });
    }
  }
}
