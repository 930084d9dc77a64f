import { PendingLoad, rankReplicas } from '@parley/domain';
import { every, type Background, type Logger } from '@parley/server-kit';

/** One process that calls can be sent to. */
export interface Replica {
  readonly url: string;
  /** What it calls itself, learned from its readiness. */
  readonly name: string | undefined;
  readonly healthy: boolean;
  /** Calls and sockets under way through this router. */
  readonly open: number;
}

interface Tracked extends Replica {
  name: string | undefined;
  healthy: boolean;
  open: number;
  lastPicked: number;
  /** What it said it has, from all routers; undefined when it does not say. */
  reported: number | undefined;
  /** Sockets placed there since then, as far as can be told. */
  readonly pending: PendingLoad;
}

export interface ReplicaTimes {
  readonly probeEveryMs: number;
  readonly probeTimeoutMs: number;
}

export const REPLICA_TIMES: ReplicaTimes = { probeEveryMs: 2_000, probeTimeoutMs: 1_500 };

/**
 * The replicas of one service in this region. Each is asked for its readiness every two seconds; one that refuses a
 * connection counts as down until it was asked again.
 */
export class ReplicaGroup {
  private readonly replicas: readonly Tracked[];
  private readonly loop: Background;
  private picks = 0;

  constructor(
    readonly service: string,
    urls: readonly string[],
    private readonly logger: Logger,
    private readonly times: ReplicaTimes = REPLICA_TIMES,
    private readonly random: () => number = Math.random,
  ) {
    // Taken as healthy until proved otherwise: a router that starts first does not refuse its first calls.
    const fresh = { name: undefined, healthy: true, open: 0, lastPicked: 0, reported: undefined };
    this.replicas = urls.map((url) => ({ ...fresh, url, pending: new PendingLoad() }));
    this.loop = every(`probe ${service}`, times.probeEveryMs, () => this.probe(), logger);
  }

  /**
   * In the order to try: of two healthy ones at random the less loaded, then the other healthy ones, then, since probes may
   * be late, those that drain or are dead. Of equals the one that had to wait longest.
   */
  candidates(): readonly Replica[] {
    const now = performance.now();
    const waiting = [...this.replicas].sort((one, other) => one.lastPicked - other.lastPicked);
    const choices = waiting.map((replica) => ({ replica, fit: replica.healthy, load: loadOf(replica, now) }));
    return rankReplicas(choices, this.random).map(({ replica }) => replica);
  }

  /** A socket, which stays, was given to it: counts on top of what it reports until that has it. */
  placed(replica: Replica): void {
    this.tracked(replica).pending.add(performance.now());
  }

  named(name: string): Replica | undefined {
    return this.replicas.find((replica) => replica.name === name);
  }

  get all(): readonly Replica[] {
    return this.replicas;
  }

  get anyHealthy(): boolean {
    return this.replicas.some((replica) => replica.healthy);
  }

  /** Counts a call or socket as under way; the answer ends it, once. */
  begin(replica: Replica): () => void {
    const tracked = this.tracked(replica);
    tracked.open += 1;
    tracked.lastPicked = this.picks += 1;
    let ended = false;
    return () => {
      if (!ended) tracked.open -= 1;
      ended = true;
    };
  }

  /** It refused a connection. */
  markDown(replica: Replica): void {
    this.setHealth(this.tracked(replica), false);
  }

  /** Asks every replica now. */
  async probe(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => this.probeOne(replica)));
  }

  close(): Promise<void> {
    return this.loop.close();
  }

  private tracked(replica: Replica): Tracked {
    const tracked = this.replicas.find(({ url }) => url === replica.url);
    if (tracked === undefined) throw new Error('not a replica of this group');
    return tracked;
  }

  private async probeOne(replica: Tracked): Promise<void> {
    try {
      const signal = AbortSignal.timeout(this.times.probeTimeoutMs);
      const answer = await fetch(`${replica.url}/health/ready`, { signal, redirect: 'error' });
      const told: unknown = await answer.json();
      if (typeof told === 'object' && told !== null && 'replica' in told && typeof told.replica === 'string') {
        replica.name = told.replica;
      }
      const load = typeof told === 'object' && told !== null && 'load' in told ? told.load : undefined;
      replica.reported = typeof load === 'number' && load >= 0 ? load : undefined;
      this.setHealth(replica, answer.ok);
    } catch {
      // Down is an answer too; the change is logged below.
      this.setHealth(replica, false);
    }
  }

  private setHealth(replica: Tracked, healthy: boolean): void {
    if (replica.healthy === healthy) return;
    replica.healthy = healthy;
    const { service } = this;
    this.logger[healthy ? 'info' : 'warn'](
      { upstream: service, url: replica.url },
      healthy ? 'replica is up' : 'replica is down',
    );
  }
}

function loadOf({ reported, open, pending }: Tracked, now: number): number {
  return (reported ?? open) + pending.at(now);
}
