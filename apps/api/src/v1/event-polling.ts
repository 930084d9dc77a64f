import { setTimeout as pause } from 'node:timers/promises';
import { type AccountId, type DeliveryService, DomainError, type DomainName, type EventFilter } from '@parley/domain';
import type { EventWatch } from './event-watch';

/** Most calls that wait at once: of an account, and at this replica. */
const MOST_WAITING = { account: 20, replica: 1_000 } as const;

/** After news that did not pass the filter, in milliseconds: a busy domain must not keep the database busy for nothing. */
const REST_MS = 250;

/** What a caller who reads events wants. */
export interface EventRequest {
  readonly domain: DomainName;
  readonly filter: EventFilter;
  /** `latest`: from the end on. */
  readonly after: bigint | 'latest';
  readonly limit: number;
  /** How long to wait for something when there is nothing. */
  readonly waitMs: number;
}

type EventPage = Awaited<ReturnType<DeliveryService['events']>>;

/** Hands a domain's events out, now or as soon as there are some. */
export class EventPolling {
  private readonly waiting = new Map<AccountId, number>();

  constructor(
    private readonly deliveries: DeliveryService,
    private readonly watch: EventWatch,
  ) {}

  /** @throws DomainError domain_not_found, rate_limited when too many calls wait already */
  async read(account: AccountId, request: EventRequest, gone: AbortSignal): Promise<EventPage> {
    const { domain, waitMs } = request;
    const after = request.after === 'latest' ? await this.deliveries.latest(account, domain) : request.after;
    const page = await this.page(account, request, after);
    if (page.events.length > 0 || waitMs === 0) return page;
    const leave = this.enter(account);
    try {
      return await this.wait(account, request, page, gone);
    } finally {
      leave();
    }
  }

  private async wait(
    account: AccountId,
    request: EventRequest,
    page: EventPage,
    gone: AbortSignal,
  ): Promise<EventPage> {
    const until = performance.now() + request.waitMs;
    let seen = page;
    for (;;) {
      const left = until - performance.now();
      if (left <= 0 || !(await this.watch.beyond(request.domain, seen.reached, left, gone))) return seen;
      // What happened may have passed the filter or not.
      seen = await this.page(account, request, seen.reached);
      if (seen.events.length > 0) return seen;
      await pause(Math.min(REST_MS, Math.max(0, until - performance.now())));
    }
  }

  private page(account: AccountId, { domain, filter, limit }: EventRequest, after: bigint): Promise<EventPage> {
    return this.deliveries.events(account, domain, filter, { after, limit });
  }

  private enter(account: AccountId): () => void {
    const own = this.waiting.get(account) ?? 0;
    if (own >= MOST_WAITING.account || this.watch.waiting >= MOST_WAITING.replica) {
      throw new DomainError('rate_limited', 'Too many calls wait for events already; ask without waiting.', {
        retryAfterSeconds: 5,
      });
    }
    this.waiting.set(account, own + 1);
    return () => {
      const left = (this.waiting.get(account) ?? 1) - 1;
      if (left > 0) this.waiting.set(account, left);
      else this.waiting.delete(account);
    };
  }
}
