import { LoadProcess } from './load/load-process';
import type { Counted, Load, Scenario } from './load/orders';
import type { Target, TargetId } from './servers/target';
import { usageOf, type Usage } from './servers/usage';

/** How much is done per target and round. */
export interface Plan {
  readonly rounds: number;
  /** Clients that talk; rooms are cut from them. */
  readonly clients: number;
  readonly roomSize: number;
  /** Clients that are only there, to see what one costs. */
  readonly idleClients: number;
  readonly payloadBytes: number;
  /** Messages per sender on their way at full load. */
  readonly window: Readonly<Record<Scenario, number>>;
  /** Messages per second at moderate load, where latency is read. */
  readonly perSecond: Readonly<Record<Scenario, number>>;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** One load on one target. */
export interface LoadFigures {
  readonly deliveriesPerCpuSecond: number;
  readonly deliveriesPerSecond: number;
  /** CPU seconds per second. */
  readonly cores: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly undelivered: number;
  /** CPU seconds by process. */
  readonly cpuByProcess: Readonly<Record<string, number>>;
}

export interface ClientFigures {
  readonly rssBytes: number;
  readonly pssBytes: number;
  /** Upgrade and hello. */
  readonly connectCpuMs: number;
}

/** What one round says of one target. */
export interface RoundFigures {
  readonly target: TargetId;
  readonly perClient: ClientFigures;
  readonly full: Readonly<Record<Scenario, LoadFigures>>;
  readonly moderate: Readonly<Record<Scenario, LoadFigures>>;
}

/** Starts a target, measures it once and stops it. @param progress hears what is being done */
export async function measureRound(
  target: Target,
  plan: Plan,
  progress: (doing: string) => void,
): Promise<RoundFigures> {
  const load = await LoadProcess.start();
  try {
    progress('starts');
    const running = await target.start(load.backendUrl);
    try {
      progress('clients connect');
      await load.connect(running.urls, plan.clients);
      const perClient = await idleClients(load, running.urls, running.processes, plan);
      progress('clients join rooms');
      await load.join(plan.roomSize);
      const measure = (scenario: Scenario, pace: Pace) => {
        progress(`${scenario}, ${'window' in pace ? 'full' : 'moderate'} load`);
        return measureLoad(load, running.processes, plan, { scenario, payloadBytes: plan.payloadBytes, ...pace });
      };
      const full = {
        session: await measure('session', { window: plan.window.session }),
        room: await measure('room', { window: plan.window.room }),
      };
      const moderate = {
        session: await measure('session', { perSecond: plan.perSecond.session }),
        room: await measure('room', { perSecond: plan.perSecond.room }),
      };
      return { target: target.id, perClient, full, moderate };
    } finally {
      await running.stop();
    }
  } finally {
    await load.close();
  }
}

type Pace = { readonly window: number } | { readonly perSecond: number };

/** After the talking ones, so that start-up costs (code compiled, buffers grown) are not counted. */
async function idleClients(
  load: LoadProcess,
  urls: readonly string[],
  processes: Readonly<Record<string, number>>,
  { idleClients: count }: Plan,
): Promise<ClientFigures> {
  await settle();
  const before = total(usages(processes));
  await load.connect(urls, count);
  await settle();
  const after = total(usages(processes));
  await load.disconnect(count);
  await settle();
  return {
    rssBytes: (after.rssBytes - before.rssBytes) / count,
    pssBytes: (after.pssBytes - before.pssBytes) / count,
    connectCpuMs: ((after.cpuSeconds - before.cpuSeconds) * 1000) / count,
  };
}

async function measureLoad(
  process: LoadProcess,
  processes: Readonly<Record<string, number>>,
  plan: Plan,
  load: Load,
): Promise<LoadFigures> {
  await process.start(load);
  await sleep(plan.warmUpMs);
  await process.mark();
  const before = usages(processes);
  await sleep(plan.measureMs);
  const after = usages(processes);
  const counted = await process.read();
  const undelivered = await process.stop();
  return figures(counted, before, after, undelivered);
}

type Usages = ReadonlyMap<string, Usage>;

function figures(counted: Counted, before: Usages, after: Usages, undelivered: number): LoadFigures {
  const cpuByProcess = Object.fromEntries(
    [...after].map(([name, { cpuSeconds }]) => [name, cpuSeconds - (before.get(name)?.cpuSeconds ?? 0)]),
  );
  const cpuSeconds = Object.values(cpuByProcess).reduce((sum, seconds) => sum + seconds, 0);
  return {
    deliveriesPerCpuSecond: counted.deliveries / cpuSeconds,
    deliveriesPerSecond: counted.deliveries / counted.seconds,
    cores: cpuSeconds / counted.seconds,
    p50Ms: counted.p50,
    p99Ms: counted.p99,
    undelivered,
    cpuByProcess,
  };
}

function usages(processes: Readonly<Record<string, number>>): Usages {
  return new Map(Object.entries(processes).map(([name, pid]) => [name, usageOf([pid])]));
}

function total(all: Usages): Usage {
  const sum = { cpuSeconds: 0, rssBytes: 0, pssBytes: 0 };
  for (const { cpuSeconds, rssBytes, pssBytes } of all.values()) {
    sum.cpuSeconds += cpuSeconds;
    sum.rssBytes += rssBytes;
    sum.pssBytes += pssBytes;
  }
  return sum;
}

/** Lets what was begun come to an end. */
function settle(): Promise<void> {
  return sleep(1_000);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
