import type { LoadFigures, RoundFigures } from '../measure';
import type { Scenario } from '../load/orders';
import type { TargetId } from '../servers/target';

/** The rows of the report, in order. */
export const MEASURES = [
  measure(
    'session, deliveries per CPU second, full load',
    'higher',
    0,
    loadOf('full', 'session', 'deliveriesPerCpuSecond'),
  ),
  measure(
    'room of 100, deliveries per CPU second, full load',
    'higher',
    0,
    loadOf('full', 'room', 'deliveriesPerCpuSecond'),
  ),
  measure(
    'session, deliveries per CPU second, moderate load',
    'higher',
    0,
    loadOf('moderate', 'session', 'deliveriesPerCpuSecond'),
  ),
  measure(
    'room of 100, deliveries per CPU second, moderate load',
    'higher',
    0,
    loadOf('moderate', 'room', 'deliveriesPerCpuSecond'),
  ),
  measure('session, p50 ms, moderate load', 'lower', 2, loadOf('moderate', 'session', 'p50Ms')),
  measure('session, p99 ms, moderate load', 'lower', 2, loadOf('moderate', 'session', 'p99Ms')),
  measure('room of 100, p50 ms, moderate load', 'lower', 2, loadOf('moderate', 'room', 'p50Ms')),
  measure('room of 100, p99 ms, moderate load', 'lower', 2, loadOf('moderate', 'room', 'p99Ms')),
  measure('session, p99 ms, full load', 'lower', 1, loadOf('full', 'session', 'p99Ms')),
  measure('room of 100, p99 ms, full load', 'lower', 1, loadOf('full', 'room', 'p99Ms')),
  measure('RSS per idle client, KiB', 'lower', 1, ({ perClient }) => perClient.rssBytes / 1024),
  measure('PSS per idle client, KiB', 'lower', 1, ({ perClient }) => perClient.pssBytes / 1024),
  measure('CPU ms per connect (upgrade and hello)', 'lower', 2, ({ perClient }) => perClient.connectCpuMs),
] as const;

export interface Measure {
  readonly name: string;
  readonly better: 'higher' | 'lower';
  readonly digits: number;
  readonly of: (round: RoundFigures) => number;
}

/** Which pairs are compared: each of ours with the Go server of the same size. */
export const PAIRS: readonly (readonly [ours: TargetId, theirs: TargetId])[] = [
  ['parley-1', 'go-1'],
  ['parley-2', 'go-2'],
];

export interface Row {
  readonly name: string;
  readonly better: 'higher' | 'lower';
  /** Median over the rounds. */
  readonly medians: Readonly<Partial<Record<TargetId, number>>>;
  /** Ours by theirs: the median of the rounds' ratios. */
  readonly ratios: Readonly<Partial<Record<TargetId, number>>>;
  readonly digits: number;
}

/** @param rounds for each round, what was measured of each target */
export function summarize(rounds: readonly (readonly RoundFigures[])[]): Row[] {
  return MEASURES.map(({ name, better, digits, of }) => {
    const values = rounds.map((round) => new Map(round.map((figures) => [figures.target, of(figures)])));
    const targets = new Set(values.flatMap((round) => [...round.keys()]));
    const medians = Object.fromEntries([...targets].map((id) => [id, median(values.flatMap((v) => v.get(id) ?? []))]));
    const ratios = Object.fromEntries(
      PAIRS.filter((pair) => pair.every((id) => targets.has(id))).map(([ours, theirs]) => [
        ours,
        median(values.map((round) => (round.get(ours) ?? NaN) / (round.get(theirs) ?? NaN))),
      ]),
    );
    return { name, better, digits, medians, ratios };
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

function measure(name: string, better: Measure['better'], digits: number, of: Measure['of']): Measure {
  return { name, better, digits, of };
}

type Number<T> = { [Key in keyof T]: T[Key] extends number ? Key : never }[keyof T];

function loadOf(pace: 'full' | 'moderate', scenario: Scenario, figure: Number<LoadFigures>): Measure['of'] {
  return (round) => round[pace][scenario][figure];
}
