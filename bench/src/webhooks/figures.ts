import { usageOf } from '../servers/usage';
import { nowMs, until } from './clock';
import { Committer } from './committer';
import { Ledger, type Account, type Latency } from './ledger';
import type { WebhookPlan } from './plan';
import type { EndpointOfBench, WebhookWorld } from './world';

/** How long what is left over may take at the end of a run. */
const DRAIN_MS = 30_000;

export interface LatencyFigures extends Latency {
  /** What really was: a machine with too much to do does not keep the pace. */
  readonly committedPerSecond: number;
  readonly account: Account;
}

/** From commit to 2xx at a steady pace, with receivers that answer at once. */
export async function measureLatency(world: WebhookWorld, plan: WebhookPlan['latency']): Promise<LatencyFigures> {
  const endpoints = await world.endpoints(plan.endpoints, 0);
  await world.start();
  await world.validated();
  const ledger = new Ledger();
  const committer = new Committer(world.database);
  const begunAt = nowMs();
  await committer.atPace(endpoints, plan.perSecond, plan.warmUpMs + plan.measureMs, ledger);
  const committedPerSecond = ledger.account().committed / ((nowMs() - begunAt) / 1_000);
  await drain(world, ledger);
  await world.stop();
  return { ...ledger.latency(begunAt + plan.warmUpMs), committedPerSecond, account: ledger.account() };
}

export interface CapacityFigures {
  /** In the steady part. */
  readonly deliveriesPerSecond: number;
  /** In the steady part, by process. */
  readonly cpuSecondsPer1000: Readonly<Record<string, number>>;
  readonly transactionsPer1000: number;
  readonly account: Account;
}

/** What part of a backlog is looked at: neither the start of the process nor the end, when endpoints run dry. */
const STEADY = { from: 0.2, to: 0.8 };

/** How fast a dispatcher works off what waits for it, for each endpoint events of its own. */
export async function measureCapacity(world: WebhookWorld, plan: WebhookPlan['capacity']): Promise<CapacityFigures> {
  const endpoints = await world.endpoints(plan.endpoints, plan.answerAfterMs);
  await world.start();
  await world.validated();
  await world.stop();
  const ledger = new Ledger();
  await new Committer(world.database).backlog(endpoints, plan.backlog, ledger);
  const all = plan.endpoints * plan.backlog;
  const before = await world.receivers.count();
  await world.start();
  const from = await seenAt(world, before + STEADY.from * all);
  const to = await seenAt(world, before + STEADY.to * all);
  await drain(world, ledger);
  await world.stop();
  const deliveries = to.count - from.count;
  const cpuSecondsPer1000 = Object.fromEntries(
    Object.entries(to.cpu).map(([name, seconds]) => [name, ((seconds - (from.cpu[name] ?? 0)) / deliveries) * 1_000]),
  );
  return {
    deliveriesPerSecond: (deliveries / (to.atMs - from.atMs)) * 1_000,
    cpuSecondsPer1000,
    transactionsPer1000: ((to.transactions - from.transactions) / deliveries) * 1_000,
    account: ledger.account(),
  };
}

/** Waits until so many deliveries were answered, then looks at all meters. */
async function seenAt(world: WebhookWorld, count: number) {
  const { receivers, processes } = world;
  const reached = await until(async () => (await receivers.count()) >= count, 4 * DRAIN_MS);
  if (!reached) throw new Error(`only ${await receivers.count()} of ${count} deliveries came`);
  const cpu = Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, usageOf([pid]).cpuSeconds]));
  return { count: await receivers.count(), atMs: nowMs(), cpu, transactions: await world.transactions() };
}

export interface HangFigures {
  readonly runs: readonly { readonly without: Latency; readonly hanging: Latency }[];
  readonly account: Account;
  /** Deliveries that wait in PostgreSQL for what hung, to be tried again. */
  readonly waiting: number;
}

/** How the healthy endpoints fare while one hangs and while none does, in turn. */
export async function measureHang(world: WebhookWorld, plan: WebhookPlan['hang']): Promise<HangFigures> {
  const healthy = await world.endpoints(plan.endpoints - 1, 0);
  const [spare, ...victims] = await world.endpoints(1 + plan.runs, 0);
  if (spare === undefined) throw new Error('no endpoint was made');
  await world.start();
  await world.validated();
  const ledger = new Ledger();
  const run = new HangRun(world, plan, healthy, ledger);
  const runs: { without: Latency; hanging: Latency }[] = [];
  // What hung has a breaker and retries to get over, so each run has another one.
  for (const [index, victim] of victims.entries()) {
    if (index % 2 === 0) {
      const without = await run.measure(spare, false);
      runs.push({ without, hanging: await run.measure(victim, true) });
    } else {
      const hanging = await run.measure(victim, true);
      runs.push({ without: await run.measure(spare, false), hanging });
    }
  }
  let waiting = 0;
  await until(async () => {
    ledger.arrive(await world.receivers.take());
    waiting = await world.waiting(victims);
    return ledger.missing() === waiting;
  }, DRAIN_MS);
  await world.stop();
  return { runs, account: ledger.account(), waiting };
}

class HangRun {
  private readonly committer: Committer;
  private readonly healthyNumbers: ReadonlySet<number>;

  constructor(
    private readonly world: WebhookWorld,
    private readonly plan: WebhookPlan['hang'],
    private readonly healthy: readonly EndpointOfBench[],
    private readonly ledger: Ledger,
  ) {
    this.committer = new Committer(world.database);
    this.healthyNumbers = new Set(healthy.map(({ number }) => number));
  }

  /** The latencies of the healthy ones while they and this one have events. */
  async measure(other: EndpointOfBench, hangs: boolean): Promise<Latency> {
    const { receivers } = this.world;
    const { hangMs, perSecond, warmUpMs, measureMs } = this.plan;
    if (hangs) await receivers.hang(other.number, hangMs);
    const since = nowMs() + warmUpMs;
    await this.committer.atPace([other, ...this.healthy], perSecond, warmUpMs + measureMs, this.ledger);
    const isHealthy = (endpoint: number): boolean => this.healthyNumbers.has(endpoint);
    await drain(this.world, this.ledger, isHealthy);
    await receivers.letGo(other.number);
    return this.ledger.latency(since, isHealthy);
  }
}

async function drain(world: WebhookWorld, ledger: Ledger, endpoints?: (endpoint: number) => boolean): Promise<void> {
  await until(async () => {
    ledger.arrive(await world.receivers.take());
    return ledger.missing(endpoints) === 0;
  }, DRAIN_MS);
}
