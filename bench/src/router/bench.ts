import { join } from 'node:path';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ROOT, machine, say, version } from '../report/surroundings';
import { Caller, type Latency, measureCpu, measureLatency } from './calls';
import { openRouterWorld, type Way } from './world';

export const ROUTER_HELP = `Measures the region-router: latency added and CPU per call, beside the direct call and nginx.

  npm run bench -- router                    about two minutes
  npm run bench -- router --quick            half a minute
  npm run bench -- router --smoke            seconds; shows that the bench works
  npm run bench -- router --suite trixie     Debian suite that nginx is taken from, if the machine has none
  npm run bench -- router --out <folder>     default bench/results`;

interface Plan {
  readonly rounds: number;
  readonly warmUpCalls: number;
  readonly latency: { readonly perSecond: number; readonly ms: number };
  readonly cpu: { readonly calls: number; readonly atOnce: number };
}

const FULL: Plan = {
  rounds: 5,
  warmUpCalls: 20_000,
  latency: { perSecond: 100, ms: 5_000 },
  cpu: { calls: 8_000, atOnce: 16 },
};
const QUICK: Plan = { ...FULL, rounds: 2, warmUpCalls: 8_000, cpu: { ...FULL.cpu, calls: 5_000 } };
const SMOKE: Plan = {
  rounds: 1,
  warmUpCalls: 50,
  latency: { perSecond: 50, ms: 400 },
  cpu: { calls: 50, atOnce: 4 },
};

/** What was measured of one way. Latencies are medians of the rounds. */
interface Figures {
  readonly id: string;
  readonly title: string;
  readonly p50: number;
  readonly p99: number;
  readonly p50Added: number;
  readonly p99Added: number;
  /** Of its own processes; none for the direct call. */
  readonly cpuMicrosPerCall: number;
  /** By that of nginx. */
  readonly cpuByNginx: number | undefined;
}

/** @param args of the command line */
export async function benchRouter(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean' },
      smoke: { type: 'boolean' },
      suite: { type: 'string', default: 'trixie' },
      out: { type: 'string', default: join(ROOT, 'bench', 'results') },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return say(ROUTER_HELP);
  const plan = values.smoke ? SMOKE : values.quick ? QUICK : FULL;
  const world = await openRouterWorld(values.suite);
  try {
    const figures = await measure(plan, world.ways);
    const date = new Date().toISOString().slice(0, 10);
    mkdirSync(values.out, { recursive: true });
    const file = join(values.out, `router-${date}.json`);
    const about = { date, version: version(), machine: machine(), nginx: world.nginx, plan };
    writeFileSync(file, `${JSON.stringify({ ...about, figures }, undefined, 1)}\n`);
    say(`\n${tableOf(figures)}\n\nwritten to ${file}`);
  } finally {
    await world.close();
  }
}

async function measure(plan: Plan, ways: readonly Way[]): Promise<Figures[]> {
  const caller = new Caller();
  const latencies = new Map<Way, Latency[]>(ways.map((way) => [way, []]));
  const added = new Map<Way, { p50: number; p99: number }[]>(ways.map((way) => [way, []]));
  const cpu = new Map(ways.map((way) => [way, { calls: 0, cpuSeconds: 0 }]));
  try {
    say('warming up');
    for (const way of ways) await measureCpu(caller, way, { calls: plan.warmUpCalls, atOnce: plan.cpu.atOnce });
    for (let round = 1; round <= plan.rounds; round += 1) {
      say(`round ${round} of ${plan.rounds}`);
      const measured = await measureLatency(caller, ways, plan.latency);
      const direct = [...measured].find(([way]) => way.id === 'direct')?.[1];
      for (const [way, latency] of measured) {
        latencies.get(way)?.push(latency);
        added.get(way)?.push({ p50: latency.p50 - (direct?.p50 ?? 0), p99: latency.p99 - (direct?.p99 ?? 0) });
      }
      for (const way of ways) {
        const spent = await measureCpu(caller, way, plan.cpu);
        const sum = cpu.get(way);
        if (sum === undefined) continue;
        sum.calls += spent.calls;
        sum.cpuSeconds += spent.cpuSeconds;
      }
    }
  } finally {
    caller.close();
  }
  const perCall = (way: Way) => (1e6 * (cpu.get(way)?.cpuSeconds ?? 0)) / (cpu.get(way)?.calls ?? 1);
  const nginx = ways.find(({ id }) => id === 'nginx');
  return ways.map((way) => ({
    id: way.id,
    title: way.title,
    p50: median(latencies.get(way)?.map(({ p50 }) => p50)),
    p99: median(latencies.get(way)?.map(({ p99 }) => p99)),
    p50Added: median(added.get(way)?.map(({ p50 }) => p50)),
    p99Added: median(added.get(way)?.map(({ p99 }) => p99)),
    cpuMicrosPerCall: perCall(way),
    cpuByNginx: nginx === undefined ? undefined : perCall(way) / perCall(nginx),
  }));
}

function median(values: readonly number[] = []): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function tableOf(figures: readonly Figures[]): string {
  const rows = figures.map((each) => [
    each.title,
    `${each.p50.toFixed(2)} / ${each.p99.toFixed(2)}`,
    `${each.p50Added.toFixed(2)} / ${each.p99Added.toFixed(2)}`,
    each.id === 'direct' ? '' : each.cpuMicrosPerCall.toFixed(0),
    each.cpuByNginx === undefined || each.id === 'direct' ? '' : each.cpuByNginx.toFixed(1),
  ]);
  const head = ['way', 'p50 / p99 ms', 'added p50 / p99 ms', 'CPU us per call', 'by nginx'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
