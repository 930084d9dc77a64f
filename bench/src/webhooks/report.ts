import { median } from '../report/summary';
import { drawPanels, type Bar, type Panel } from '../report/svg';
import type { CapacityFigures, HangFigures, LatencyFigures } from './figures';
import { inAll, type Account } from './ledger';

/** What was measured; parts may be left out. */
export interface WebhookFigures {
  readonly latency?: LatencyFigures;
  readonly capacity?: CapacityFigures;
  readonly hang?: HangFigures;
}

/** One line of the report. */
export interface WebhookRow {
  readonly name: string;
  readonly value: number;
  readonly digits: number;
  readonly goal?: { readonly atMost: number } | { readonly atLeast: number };
}

const NAME_WIDTH = 68;
const BLUE = '#1f6f8b';
const LIGHT = '#2fa4c7';
const GREY = '#8a8a8a';

export function rowsOf({ latency, capacity, hang }: WebhookFigures): WebhookRow[] {
  return [
    ...(latency ? latencyRows(latency) : []),
    ...(capacity ? capacityRows(capacity) : []),
    ...(hang ? hangRows(hang) : []),
  ];
}

function latencyRows({ p50Ms, p99Ms, maxMs, committedPerSecond }: LatencyFigures): WebhookRow[] {
  return [
    { name: 'events committed per second', value: committedPerSecond, digits: 0 },
    { name: 'commit to 2xx, p50 ms', value: p50Ms, digits: 1, goal: { atMost: 50 } },
    { name: 'commit to 2xx, p99 ms', value: p99Ms, digits: 1, goal: { atMost: 250 } },
    { name: 'commit to 2xx, slowest ms', value: maxMs, digits: 1 },
  ];
}

function capacityRows({ deliveriesPerSecond, cpuSecondsPer1000, transactionsPer1000 }: CapacityFigures): WebhookRow[] {
  return [
    { name: 'deliveries per second of one worker', value: deliveriesPerSecond, digits: 0, goal: { atLeast: 500 } },
    ...Object.entries(cpuSecondsPer1000).map(([process, value]) => ({
      name: `CPU seconds per 1,000 deliveries, ${process}`,
      value,
      digits: 2,
    })),
    { name: 'transactions per 1,000 deliveries', value: transactionsPer1000, digits: 0 },
  ];
}

function hangRows(hang: HangFigures): WebhookRow[] {
  const { without, hanging } = medians(hang);
  return [
    { name: 'healthy endpoints, none hangs, p99 ms (median of the runs)', value: without, digits: 1 },
    { name: 'healthy endpoints, one hangs, p99 ms (median of the runs)', value: hanging, digits: 1 },
    {
      name: 'the one that hangs costs the others so many % of p99',
      value: (hanging / without - 1) * 100,
      digits: 0,
      goal: { atMost: 25 },
    },
  ];
}

function medians({ runs }: HangFigures): { without: number; hanging: number } {
  return {
    without: median(runs.map(({ without }) => without.p99Ms)),
    hanging: median(runs.map(({ hanging }) => hanging.p99Ms)),
  };
}

/** What was counted over all parts. Waiting is not lost. */
export function accountOf({ latency, capacity, hang }: WebhookFigures): Account & { waiting: number; lost: number } {
  const all = inAll([latency, capacity, hang].flatMap((part) => part?.account ?? []));
  const waiting = hang?.waiting ?? 0;
  return { ...all, waiting, lost: Math.max(0, all.undelivered - waiting) };
}

/** The report as text; `!` marks a goal that was missed. */
export function tableOf(figures: WebhookFigures): string {
  const { committed, delivered, waiting, lost, doubles, stray } = accountOf(figures);
  const rows = rowsOf(figures).map(({ name, value, digits, goal }) => {
    const wanted = goal === undefined ? '' : 'atMost' in goal ? `<= ${goal.atMost}` : `>= ${goal.atLeast}`;
    return name.padEnd(NAME_WIDTH) + value.toFixed(digits).padStart(10) + wanted.padStart(10) + missed(value, goal);
  });
  const head = ''.padEnd(NAME_WIDTH) + 'measured'.padStart(10) + 'goal'.padStart(10);
  const counted =
    `${committed} events committed, ${delivered} delivered, ${waiting} wait for what hung: ` +
    `${lost} lost, ${doubles} told twice, ${stray} astray`;
  return [head, ...rows, '', counted].join('\n');
}

function missed(value: number, goal: WebhookRow['goal']): string {
  if (goal === undefined) return '';
  return ('atMost' in goal ? value <= goal.atMost : value >= goal.atLeast) ? '' : ' !';
}

export function plotOf({ latency, capacity, hang }: WebhookFigures, title: string): string {
  const panels: Panel[] = [];
  const bar = (label: string, value: number, colour = BLUE): Bar => ({ label, value, colour });
  if (latency) {
    panels.push(
      { title: 'commit to 2xx, p50 ms (lower is better)', bars: [bar('p50', latency.p50Ms)], digits: 1, goal: 50 },
      { title: 'commit to 2xx, p99 ms (lower is better)', bars: [bar('p99', latency.p99Ms)], digits: 1, goal: 250 },
    );
  }
  if (capacity) {
    const { deliveriesPerSecond, cpuSecondsPer1000 } = capacity;
    panels.push(
      {
        title: 'deliveries per second of one worker (higher is better)',
        bars: [bar('20 endpoints, 20 ms each', deliveriesPerSecond)],
        digits: 0,
        goal: 500,
      },
      {
        title: 'CPU seconds per 1,000 deliveries (lower is better)',
        bars: Object.entries(cpuSecondsPer1000).map(([process, seconds]) => bar(process, seconds, LIGHT)),
        digits: 2,
      },
    );
  }
  if (hang) {
    const { without, hanging } = medians(hang);
    panels.push({
      title: 'p99 ms of the healthy ones of 100 (lower is better)',
      bars: [bar('none hangs', without, GREY), bar('one hangs for 30 s', hanging)],
      digits: 1,
      goal: without * 1.25,
    });
  }
  return drawPanels(title, panels);
}
