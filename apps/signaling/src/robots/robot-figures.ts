import type { Metrics } from '@parley/server-kit';

/** What became of a hand-over: it went out; it was acknowledged; its time passed; it did not leave the house. */
export type HandOver = 'handed' | 'acknowledged' | 'lapsed' | 'not_sent';

/** Robots as operators see them. */
export class RobotFigures {
  private readonly gauge;
  private readonly counter;

  constructor(metrics: Metrics) {
    this.gauge = metrics.gauge('parley_robots_connected', { help: 'Sessions of robots on this replica' });
    this.counter = metrics.counter('parley_robot_deliveries_total', {
      help: 'Deliveries to robots, by what became of handing them over',
      labels: ['outcome'],
    });
  }

  connected(count: number): void {
    this.gauge.set(count);
  }

  count(outcome: HandOver, times = 1): void {
    if (times > 0) this.counter.inc({ outcome }, times);
  }
}
