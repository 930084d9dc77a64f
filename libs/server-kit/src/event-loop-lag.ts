import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';

/**
 * How often the lag is looked at, in milliseconds. What holds the loop up for longer is seen, less up to as much, unless it
 * begins right after a scrape.
 */
const SAMPLE_MS = 100;
const NS_PER_S = 1e9;

/**
 * How late the event loop was since it was asked last, in seconds, in place of prom-client's figures and under their names
 * (`min` and `stddev` are not kept). Those look a hundred times a second, which was most of what an idle gateway did, and
 * take the time between two looks for lag.
 */
export class EventLoopLag {
  private readonly delays = monitorEventLoopDelay({ resolution: SAMPLE_MS });

  constructor(registry: Registry) {
    const { delays } = this;
    for (const what of ['mean', 'p50', 'p90', 'p99', 'max', 'min', 'stddev']) registry.removeSingleMetric(nameOf(what));
    const set = (gauge: Gauge, ns: number) => {
      // Whoever asks twice within one sample has nothing new to hear of.
      gauge.set(delays.count === 0 ? 0 : Math.max(0, ns / NS_PER_S - SAMPLE_MS / 1000));
    };
    const setAll = () => {
      set(mean, delays.mean);
      set(p50, delays.percentile(50));
      set(p90, delays.percentile(90));
      set(p99, delays.percentile(99));
      set(max, delays.max);
      delays.reset();
    };
    // A registry asks its metrics in order, so the first sets them all.
    const mean = gaugeIn(registry, 'mean', setAll);
    const [p50, p90, p99] = [gaugeIn(registry, 'p50'), gaugeIn(registry, 'p90'), gaugeIn(registry, 'p99')];
    const max = gaugeIn(registry, 'max');
    delays.enable();
  }

  close(): void {
    this.delays.disable();
  }
}

const nameOf = (what: string) => `nodejs_eventloop_lag_${what}_seconds`;

function gaugeIn(registry: Registry, what: string, collect: () => void = () => undefined): Gauge {
  const help = `How late the event loop was since the last look (${what}).`;
  return new Gauge({ name: nameOf(what), help, registers: [registry], collect });
}
