import type { Logger } from './logging';

/** Answers when the thing works, rejects when it does not. */
export type HealthCheck = () => Promise<unknown>;

export interface Readiness {
  readonly status: 'ready' | 'not_ready' | 'draining';
  /** Only names and outcomes: why a check failed stands in the log. */
  readonly checks: Readonly<Record<string, 'ok' | 'failed'>>;
  /** Facts told with {@link Health.tell}, e.g. `replica`. */
  readonly [fact: string]: unknown;
}

type Fact = string | number | boolean;

/** Whether this process is fit for work. Behind `GET /health/ready`; `/health/live` only says that it answers at all. */
export class Health {
  private readonly checks = new Map<string, HealthCheck>();
  private readonly facts = new Map<string, () => Fact>();
  private readonly failing = new Set<string>();
  private draining = false;

  /** @param checkTimeoutMs after which a check counts as failed */
  constructor(
    private readonly logger: Logger,
    private readonly checkTimeoutMs = 2_000,
  ) {}

  /** Adds a check; all of them have to pass. */
  register(name: string, check: HealthCheck): void {
    this.checks.set(name, check);
  }

  /** Adds a harmless fact to the answer, e.g. the name of this replica, or what it is at that moment. */
  tell(name: string, value: Fact | (() => Fact)): void {
    this.facts.set(name, typeof value === 'function' ? value : () => value);
  }

  /** From now on the process is not ready; it finishes what it has. */
  drain(): void {
    this.draining = true;
  }

  get isDraining(): boolean {
    return this.draining;
  }

  async readiness(): Promise<Readiness> {
    const outcomes = await Promise.all([...this.checks].map(([name, check]) => this.outcome(name, check)));
    const checks = Object.fromEntries(outcomes);
    const fit = outcomes.every(([, outcome]) => outcome === 'ok');
    const facts = Object.fromEntries([...this.facts].map(([name, fact]) => [name, fact()]));
    return { ...facts, status: this.draining ? 'draining' : fit ? 'ready' : 'not_ready', checks };
  }

  private async outcome(name: string, check: HealthCheck): Promise<[string, 'ok' | 'failed']> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const giveUp = () => reject(new Error(`no answer in ${this.checkTimeoutMs} ms`));
      // A process that stood still reads what has arrived first (decision 29).
      timer = setTimeout(() => setImmediate(giveUp), this.checkTimeoutMs);
    });
    try {
      await Promise.race([check(), late]);
      if (this.failing.delete(name)) this.logger.info({ check: name }, 'health check passes again');
      return [name, 'ok'];
    } catch (error) {
      // Probes come every few seconds: an outage is one line, not one per probe.
      if (!this.failing.has(name)) this.logger.warn({ check: name, err: error }, 'health check fails');
      this.failing.add(name);
      return [name, 'failed'];
    } finally {
      clearTimeout(timer);
    }
  }
}
