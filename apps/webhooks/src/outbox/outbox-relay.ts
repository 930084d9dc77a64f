import type { OutboxRelayStore, StandingJobsStore } from '@parley/persistence';
import type { JobFeeder } from '../delivery/job-feeder';
import type { DispatcherMetrics } from '../dispatcher.metrics';

/** How many events one transaction takes; each may become a delivery for every webhook of its domain. */
const EVENTS_PER_ROUND = 200;

/** How often a bell without an event makes it look for deliveries, at most, in milliseconds; and for how many webhooks. */
const LOOKS = { everyMs: 500, webhooks: 500 } as const;

/** Turns committed events into deliveries. */
export class OutboxRelay {
  private rang = false;
  private lookedAt = -Infinity;

  constructor(
    private readonly store: Pick<OutboxRelayStore, 'relay'>,
    private readonly jobs: Pick<StandingJobsStore, 'hungry'>,
    private readonly feeder: Pick<JobFeeder, 'feed'>,
    private readonly metrics: Pick<DispatcherMetrics, 'relayed'>,
    /** Tells the gateways, which deliver to robots, that there is something for them. Losing it only costs time. */
    private readonly callRobots: () => void,
  ) {}

  /** Somebody rang: there is an event, or deliveries are to be sent again, which no event says. */
  ring(): void {
    this.rang = true;
  }

  /** One round. Answers whether there may be more. The jobs are enqueued after the commit: they hold ids of rows. */
  async relayOnce(): Promise<boolean> {
    const rang = this.rang;
    this.rang = false;
    const { events, webhooks, robots, more } = await this.store.relay(EVENTS_PER_ROUND);
    if (events > 0) this.metrics.relayed(events);
    else if (rang) await this.feedWaiting();
    if (robots) this.callRobots();
    this.feeder.feed(webhooks);
    return more;
  }

  /** The sweeper would find them too, some seconds later. */
  private async feedWaiting(): Promise<void> {
    const now = performance.now();
    if (now - this.lookedAt < LOOKS.everyMs) {
      // Some round after this one does.
      this.rang = true;
      return;
    }
    this.lookedAt = now;
    this.feeder.feed(await this.jobs.hungry(0, LOOKS.webhooks));
  }
}
