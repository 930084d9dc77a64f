import type { DomainName, RegionId } from '@parley/domain';

/** Where a call belongs. */
export type Home =
  /** `strict`: only the home region itself may see its bytes. */
  | { readonly kind: 'region'; readonly region: RegionId; readonly strict: boolean; readonly domain?: DomainName }
  /** All regions where the account has domains. */
  | { readonly kind: 'account'; readonly regions: readonly RegionId[] }
  /** Nothing says where: any region answers. */
  | { readonly kind: 'anywhere' };

/** What to do with a call. */
export type Decision =
  | { readonly kind: 'serve' }
  | { readonly kind: 'forward'; readonly region: RegionId }
  | { readonly kind: 'fan-out'; readonly regions: readonly RegionId[] }
  /** Strictly resident elsewhere: name the home, pass nothing on. */
  | { readonly kind: 'misdirected'; readonly region: RegionId }
  /** Another router sent it here although its home is elsewhere: two regions disagree. */
  | { readonly kind: 'loop'; readonly region: RegionId };

/**
 * Decides by home, own region and how many routers the call has passed. One hop at most: what came from another router
 * is served here or refused.
 */
export function decide(home: Home, own: RegionId, hops: number): Decision {
  if (home.kind === 'anywhere') return { kind: 'serve' };
  if (home.kind === 'account') {
    if (hops > 0 || home.regions.length === 0) return { kind: 'serve' };
    const [only, ...others] = home.regions;
    if (only === undefined || others.length > 0) return { kind: 'fan-out', regions: home.regions };
    return only === own ? { kind: 'serve' } : { kind: 'forward', region: only };
  }
  if (home.region === own) return { kind: 'serve' };
  if (home.strict) return { kind: 'misdirected', region: home.region };
  return hops > 0 ? { kind: 'loop', region: home.region } : { kind: 'forward', region: home.region };
}
