import type { DomainName, RegionId } from '@parley/domain';

/** Where a call belongs. */
export type Home =
  /** `strict`: only the home region itself may see its bytes. */
  | {
      readonly kind: 'region';
      readonly region: RegionId;
      readonly strict: boolean;
      readonly domain?: DomainName;
      /** How often the domain had moved when the directory said so. */
      readonly epoch?: number;
    }
  /** All regions where the account has domains. `list`: all of them answer; else any of them does. */
  | { readonly kind: 'account'; readonly regions: readonly RegionId[]; readonly list: boolean }
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
    const [first, ...others] = home.regions;
    if (hops > 0 || first === undefined) return { kind: 'serve' };
    if (home.list && others.length > 0) return { kind: 'fan-out', regions: home.regions };
    return home.regions.includes(own) ? { kind: 'serve' } : { kind: 'forward', region: first };
  }
  // A router that sends what is strictly resident here has not heard yet that it is: its bytes go no further that way.
  if (home.region === own && !(home.strict && hops > 0)) return { kind: 'serve' };
  if (home.strict) return { kind: 'misdirected', region: home.region };
  return hops > 0 ? { kind: 'loop', region: home.region } : { kind: 'forward', region: home.region };
}

/** Whether a directory that was asked anew says something else than before: then a call may be sent again. */
export function hasMoved(before: Home, now: Home): boolean {
  if (before.kind !== 'region' || now.kind !== 'region') return before.kind !== now.kind;
  return before.region !== now.region || before.epoch !== now.epoch;
}
