import type { ClaimedDelivery, DeliveryStore } from '@parley/persistence';
import type { DeliveryJob } from '@parley/queue';
import { WokenLoop, type Logger } from '@parley/server-kit';
import { Gathered } from '../loop/gathered';

/** A delivery that this process, and no other, is at. */
export interface ClaimUnderWay {
  readonly claim: ClaimedDelivery;
  /** Aborted when another process may take the delivery over: it must not be sent any longer. */
  readonly lapsed: AbortSignal;
  /** The work is over. */
  letGo(): void;
}

export interface ClaimsOptions {
  readonly deliveries: Pick<DeliveryStore, 'claim' | 'renew'>;
  /** How long the claims of a process outlive it, in milliseconds. */
  readonly claimMs: number;
  readonly logger: Pick<Logger, 'error'>;
}

const RENEWALS_PER_CLAIM = 4;

/**
 * Claims are short, so that the deliveries of a process that died are soon taken over, and renewed for as long as the
 * work lasts. The time is counted from before the database was asked, so a claim is over here before it is over there.
 */
export class ClaimsUnderWay {
  private readonly held = new Set<HeldClaim>();
  private readonly renewing: WokenLoop;
  private readonly renewAfterMs: number;
  private readonly claims: Gathered<DeliveryJob, ClaimedDelivery | null>;

  constructor(private readonly options: ClaimsOptions) {
    const { claimMs, logger } = options;
    this.renewAfterMs = claimMs / RENEWALS_PER_CLAIM;
    this.claims = new Gathered((jobs) => this.claimAll(jobs));
    const run = async (): Promise<boolean> => {
      await this.renew();
      return false;
    };
    this.renewing = new WokenLoop({ name: 'claims', everyMs: this.renewAfterMs, run, logger });
  }

  start(): void {
    this.renewing.wake();
  }

  /** Claims a delivery; null when there is nothing to do, see `DeliveryStore.claim`. */
  async take(job: DeliveryJob): Promise<ClaimUnderWay | null> {
    const askedAt = performance.now();
    const claim = await this.claims.run(job);
    if (claim === null) return null;
    const held = new HeldClaim(claim, askedAt, this.options.claimMs, () => this.held.delete(held));
    this.held.add(held);
    return held;
  }

  private async claimAll(jobs: readonly DeliveryJob[]): Promise<readonly (ClaimedDelivery | null)[]> {
    const claims = await this.options.deliveries.claim(jobs, this.options.claimMs);
    const byDelivery = new Map(claims.map((claim) => [claim.id, claim]));
    return jobs.map(({ deliveryId, wake }) => {
      const claim = byDelivery.get(deliveryId);
      // Of two jobs for one delivery only that which was handed out last has it.
      return claim?.token === wake + 1 ? claim : null;
    });
  }

  /** To be called when all were let go. */
  async close(): Promise<void> {
    await this.renewing.close();
    for (const held of this.held) held.letGo();
  }

  /** Most deliveries are over before they would have to be renewed. */
  private async renew(): Promise<void> {
    const askedAt = performance.now();
    const ageing = [...this.held].filter(({ since }) => askedAt - since >= this.renewAfterMs);
    if (ageing.length === 0) return;
    const ours = await this.options.deliveries.renew(
      ageing.map(({ claim }) => claim),
      this.options.claimMs,
    );
    for (const held of ageing) {
      if (ours.has(held.claim.id)) held.holdFrom(askedAt);
      else held.lapse();
    }
  }
}

class HeldClaim implements ClaimUnderWay {
  private readonly controller = new AbortController();
  readonly lapsed = this.controller.signal;
  private timer: NodeJS.Timeout | undefined;
  private over = false;

  constructor(
    readonly claim: ClaimedDelivery,
    public since: number,
    private readonly claimMs: number,
    private readonly onOver: () => void,
  ) {
    this.holdFrom(since);
  }

  holdFrom(since: number): void {
    if (this.over) return;
    this.since = since;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.lapse(), since + this.claimMs - performance.now());
  }

  lapse(): void {
    this.letGo();
    this.controller.abort();
  }

  letGo(): void {
    this.over = true;
    clearTimeout(this.timer);
    this.onOver();
  }
}
