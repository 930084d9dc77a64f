import { Agent, request } from 'node:http';
import { Histogram } from '../load/histogram';
import { usageOf } from '../servers/usage';
import type { Way } from './world';

const HEADERS = {
  'content-type': 'application/json',
  'x-api-version': '2',
  'x-auth-id': 'demo',
  'x-random': 'r'.repeat(64),
  'x-timestamp': '1700000000',
  'x-signature': 'f'.repeat(64),
};

/** Makes xroom calls over kept connections. */
export class Caller {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });

  /** @returns milliseconds until the whole answer was there @throws when it is not 200 */
  call({ url, domain }: Way): Promise<number> {
    const body = JSON.stringify({ method: 'init', data: { id: `${domain}/room-of-the-bench`, type: 1 } });
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const headers = { ...HEADERS, 'content-length': Buffer.byteLength(body) };
      const sent = request(`${url}/api/room`, { method: 'POST', agent: this.agent, headers }, (answer) => {
        answer.resume().once('end', () => {
          if (answer.statusCode === 200) resolve(performance.now() - began);
          else reject(new Error(`${url} answered ${answer.statusCode}`));
        });
      });
      sent.once('error', reject).end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

/** Milliseconds of calls at a moderate rate. */
export interface Latency {
  readonly calls: number;
  readonly p50: number;
  readonly p99: number;
}

/**
 * Calls all ways in turns at a fixed rate, so that whatever else the machine does meets all of them alike.
 * @param perSecond calls to each way
 */
export async function measureLatency(
  caller: Caller,
  ways: readonly Way[],
  { perSecond, ms }: { readonly perSecond: number; readonly ms: number },
): Promise<ReadonlyMap<Way, Latency>> {
  const histograms = new Map(ways.map((way) => [way, new Histogram()]));
  const running: Promise<void>[] = [];
  const began = performance.now();
  let count = 0;
  for (let elapsed = 0; elapsed < ms; elapsed = performance.now() - began) {
    const due = Math.floor((elapsed / 1_000) * perSecond * ways.length);
    for (; count < due; count += 1) {
      const way = ways[count % ways.length];
      if (way !== undefined) running.push(caller.call(way).then((took) => histograms.get(way)?.add(took)));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(running);
  const entries = [...histograms].map(([way, histogram]) => {
    const latency = { calls: histogram.count, p50: histogram.quantile(0.5), p99: histogram.quantile(0.99) };
    return [way, latency] as const;
  });
  return new Map(entries);
}

/** @returns CPU seconds of the way's own processes, and the calls they were spent on */
export async function measureCpu(
  caller: Caller,
  way: Way,
  { calls, atOnce }: { readonly calls: number; readonly atOnce: number },
): Promise<{ readonly calls: number; readonly cpuSeconds: number; readonly seconds: number }> {
  const before = usageOf(way.pids).cpuSeconds;
  const began = performance.now();
  let left = calls;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await caller.call(way);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  const seconds = (performance.now() - began) / 1_000;
  return { calls, cpuSeconds: usageOf(way.pids).cpuSeconds - before, seconds };
}
