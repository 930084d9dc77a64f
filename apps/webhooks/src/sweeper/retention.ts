import type { DeliveryUpkeepStore } from '@parley/persistence';
import type { Logger } from '@parley/server-kit';
import type { DispatcherMetrics, SweptKind } from '../dispatcher.metrics';

export interface RetentionParts {
  readonly upkeep: Pick<DeliveryUpkeepStore, 'expire' | 'deleteOld' | 'deleteRemoved'>;
  readonly metrics: Pick<DispatcherMetrics, 'swept'>;
  readonly logger: Pick<Logger, 'info'>;
}

/** How much one step takes: nobody waits long for its locks. */
const AT_ONCE = 200;

/**
 * Gives up and deletes what domains keep no longer. Apart from the sweeper, which must not wait for it: there is as much to
 * delete in a day as was told in a day. Any number of replicas may.
 */
export class Retention {
  constructor(private readonly parts: RetentionParts) {}

  /** One step. Answers whether there may be more. */
  async step(): Promise<boolean> {
    const { upkeep } = this.parts;
    const expired = this.noted('expired_delivery', await upkeep.expire(AT_ONCE));
    const { events, validations } = await upkeep.deleteOld(AT_ONCE);
    this.noted('old_event', events);
    this.noted('old_validation', validations);
    const removed = this.noted('old_removed', await upkeep.deleteRemoved(AT_ONCE));
    return Math.max(expired, events, validations, removed) >= AT_ONCE;
  }

  private noted(kind: SweptKind, count: number): number {
    this.parts.metrics.swept(kind, count);
    if (count > 0) this.parts.logger.info({ kind, count }, 'retention: what its domain keeps no longer is gone');
    return count;
  }
}
