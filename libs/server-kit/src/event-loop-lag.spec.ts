import { Metrics } from './metrics';

/** Holds everything up, as a long computation does. */
function holdUp(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('the lag of the event loop', () => {
  const figures = async (metrics: Metrics) => {
    const lines = (await metrics.registry.metrics()).split('\n').filter((line) => /^nodejs_eventloop_lag_/.test(line));
    return new Map(lines.map((line) => [/lag_(\w+?)_?seconds/.exec(line)?.[1] ?? '', Number(line.split(' ').at(-1))]));
  };

  it('is how long something held it up since the last look, not the time between two samples', async () => {
    const metrics = new Metrics('test');
    try {
      const before = await figures(metrics);
      expect([...before.keys()].sort()).toEqual(['', 'max', 'mean', 'p50', 'p90', 'p99']);
      expect(before.get('max')).toBe(0);
      // The first turn is what the next one is held against.
      for (let turns = 0; turns < 3; turns += 1) {
        holdUp(300);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      const lag = await figures(metrics);
      expect(lag.get('max')).toBeGreaterThan(0.15);
      expect(lag.get('max')).toBeLessThan(60);
    } finally {
      await metrics.close();
    }
  });
});
