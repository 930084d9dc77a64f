import type { OutboxRelayStore } from '@parley/persistence';
import type { JobFeeder } from '../delivery/job-feeder';
import type { DispatcherMetrics } from '../dispatcher.metrics';

/** How many events one transaction takes; each may become a delivery for every webhook of its domain. */
const EVENTS_PER_ROUND = 200;

/** Turns committed events into deliveries. */
export class OutboxRelay {
  constructor(
    private readonly store: Pick<OutboxRelayStore, 'relay'>,
    private readonly feeder: Pick<JobFeeder, 'feed'>,
    private readonly metrics: Pick<DispatcherMetrics, 'relayed'>,
    /** Tells the gateways, which deliver to robots, that there is something for them. Losing it only costs time. */
    private readonly callRobots: () => void,
  ) {}

  /** One round. Answers whether there may be more. The jobs are enqueued after the commit: they hold ids of rows. */
  async relayOnce(): Promise<boolean> {
    const { events, webhooks, robots, more } = await this.store.relay(EVENTS_PER_ROUND);
    if (events > 0) this.metrics.relayed(events);
    if (robots) this.callRobots();
    this.feeder.feed(webhooks);
    return more;
  }
}
