import { joinQuerySchema } from '@parley/contracts';
import { nearestByMeasure, parseMeasured } from '@parley/domain';
import type { Metrics, RegionBook } from '@parley/server-kit';

/**
 * Counts which region would have been the best one for those who join, by what they measured: a room is where its domain is,
 * and operators see by this where the domain had better be. Only regions that are known are counted.
 */
export class NearestRegions {
  private readonly joins: ReturnType<Metrics['counter']>;

  constructor(
    metrics: Metrics,
    private readonly book: Pick<RegionBook, 'regions'>,
  ) {
    const help = 'Joins by the region that is nearest to who joined, as they measured; `unmeasured` if they did not';
    this.joins = metrics.counter('parley_joins_nearest_total', { help, labels: ['nearest'] });
  }

  /** @param query of the join; what cannot be read is not said */
  note(query: unknown): void {
    const { data } = joinQuerySchema.safeParse(query);
    const choices = this.book.regions.map(({ id, group, state }) => ({ id, group, state, alive: true }));
    const nearest = nearestByMeasure(choices, parseMeasured(data?.measured ?? ''));
    this.joins.inc({ nearest: nearest ?? 'unmeasured' });
  }
}
