import { readdirSync, readFileSync } from 'node:fs';

/** What the kernel calls a clock tick towards programs: 100 a second on every Linux. */
const TICKS_PER_SECOND = 100;

/** CPU seconds and memory of some processes and their children. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** Shared pages counted in parts. */
  readonly pssBytes: number;
}

/** Adds up processes with all their descendants, from `/proc`. */
export function usageOf(pids: readonly number[]): Usage {
  const all = withDescendants(pids);
  let [ticks, rss, pss] = [0, 0, 0];
  for (const pid of all) {
    ticks += ticksOf(pid);
    const memory = readOrEmpty(`/proc/${pid}/smaps_rollup`);
    rss += kilobytes(memory, 'Rss');
    pss += kilobytes(memory, 'Pss');
  }
  return { cpuSeconds: ticks / TICKS_PER_SECOND, rssBytes: rss * 1024, pssBytes: pss * 1024 };
}

function withDescendants(roots: readonly number[]): Set<number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), Number(fieldsOf(Number(name))[1]));
  }
  const found = new Set(roots);
  for (let size = -1; size !== found.size;) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return found;
}

/** With what children that have ended had used: it does not vanish with them. */
function ticksOf(pid: number): number {
  const fields = fieldsOf(pid);
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
}

/** The fields of `/proc/<pid>/stat` after the name, which may hold spaces: state, ppid, ... utime (11), stime (12), cutime (13), cstime (14). */
function fieldsOf(pid: number): string[] {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function kilobytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

/** A process may end while it is looked at. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
