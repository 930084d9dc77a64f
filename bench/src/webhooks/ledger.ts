import { median } from '../report/summary';
import type { Arrival } from './receivers/orders';

/** An event that was committed, for one endpoint. */
export interface Committed {
  readonly eventId: string;
  readonly endpoint: number;
  /** When its COMMIT was about to be sent, in milliseconds of the machine's monotonic clock. */
  readonly atMs: number;
}

/** What became of what was committed. */
export interface Account {
  readonly committed: number;
  readonly delivered: number;
  /** Committed and not answered 2xx by any receiver. */
  readonly undelivered: number;
  /** Answered 2xx once more. */
  readonly doubles: number;
  /** At an endpoint that it was not for, or of no known event. */
  readonly stray: number;
}

export interface Latency {
  readonly events: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Counts by id what went in and what came out. */
export class Ledger {
  private readonly committed = new Map<string, Committed>();
  private readonly arrivals = new Map<string, Arrival>();
  private doubles = 0;

  commit(event: Committed): void {
    this.committed.set(event.eventId, event);
  }

  arrive(arrivals: readonly Arrival[]): void {
    for (const arrival of arrivals) {
      const before = this.arrivals.get(arrival.eventId);
      if (before !== undefined) this.doubles += 1;
      else this.arrivals.set(arrival.eventId, arrival);
    }
  }

  /** How many did not arrive, of those endpoints. */
  missing(endpoints: (endpoint: number) => boolean = () => true): number {
    let missing = 0;
    for (const { eventId, endpoint } of this.committed.values()) {
      if (endpoints(endpoint) && !this.arrivals.has(eventId)) missing += 1;
    }
    return missing;
  }

  account(): Account {
    const wrong = [...this.arrivals.values()].filter(
      ({ eventId, endpoint }) => this.committed.get(eventId)?.endpoint !== endpoint,
    );
    const undelivered = this.missing();
    const { size: committed } = this.committed;
    return {
      committed,
      delivered: committed - undelivered,
      undelivered,
      doubles: this.doubles,
      stray: wrong.length,
    };
  }

  /** From before the COMMIT to the 2xx, of events of these endpoints committed at that time or later. */
  latency(sinceMs: number, endpoints: (endpoint: number) => boolean = () => true): Latency {
    const times: number[] = [];
    for (const { eventId, endpoint, atMs } of this.committed.values()) {
      const arrival = this.arrivals.get(eventId);
      if (arrival !== undefined && atMs >= sinceMs && endpoints(endpoint)) times.push(arrival.atMs - atMs);
    }
    times.sort((a, b) => a - b);
    const at = (share: number): number => times[Math.max(0, Math.ceil(times.length * share) - 1)] ?? NaN;
    return { events: times.length, p50Ms: median(times), p99Ms: at(0.99), maxMs: at(1) };
  }
}

/** Of several ledgers together. */
export function inAll(accounts: readonly Account[]): Account {
  const sum = (of: (account: Account) => number): number => accounts.reduce((total, one) => total + of(one), 0);
  return {
    committed: sum(({ committed }) => committed),
    delivered: sum(({ delivered }) => delivered),
    undelivered: sum(({ undelivered }) => undelivered),
    doubles: sum(({ doubles }) => doubles),
    stray: sum(({ stray }) => stray),
  };
}
