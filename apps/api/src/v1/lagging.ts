import type { AccountSpread } from '@parley/persistence';

/** In answers without a body: names the account's regions that have not heard of a change yet. */
export const LAGGING_HEADER = 'x-parley-lagging-regions';

/** The account's regions that have not heard of the last change yet. */
export function laggingIn(regions: AccountSpread['regions']): string[] {
  return regions.filter(({ lags }) => lags).map(({ region }) => region);
}
