import type { OutboxRelayStore } from '@parley/persistence';
import type { JobFeeder } from '../delivery/job-feeder';
import type { DispatcherMetrics } from '../dispatcher.metrics';

/** How many rooms one transaction takes. */
const ROOMS_PER_ROUND = 100;

/** Turns committed events into deliveries. */
export class OutboxRelay {
  constructor(
    private readonly store: OutboxRelayStore,
    private readonly feeder: JobFeeder,
    private readonly metrics: Pick<DispatcherMetrics, 'relayed'>,
  ) {}

  /** One round. Answers whether there may be more. The jobs are enqueued after the commit: they hold ids of rows. */
  async relayOnce(): Promise<boolean> {
    const { events, webhooks, more } = await this.store.relay(ROOMS_PER_ROUND);
    if (events > 0) this.metrics.relayed(events);
    await this.feeder.feed(webhooks);
    return more;
  }
}
