import type { Clock, DomainHome, DomainName, RegionId } from '@parley/domain';
import { parseDomainName } from '@parley/domain';
import { INTERNAL_HEADER, type InternalAuth } from '@parley/server-kit';

/** Why a call that a router brought is not served here. */
export type HomeRefusal =
  /** The domain is at home elsewhere, or unknown here. */
  | 'not_home'
  /** It is at home here, but the router knew it from before, or from after, a move. */
  | 'wrong_epoch';

/** Names {@link HomeRefusal} in answers 421, for routers: they ask the directory anew and repeat the call once. */
export const REFUSAL_HEADER = 'x-parley-refused';

/** What a request says about itself. */
export interface CheckedRequest {
  readonly method: string;
  /** Path and query, as received. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * Compares what a router believed about a call's domain with what this region's own database says. Routers know domains
 * from a copy that may be old; a domain that moved must not be served by its former home.
 */
export class HomeCheck {
  constructor(
    private readonly homes: { homeOf(name: DomainName): Promise<DomainHome | null> },
    private readonly auth: InternalAuth,
    private readonly region: RegionId,
    private readonly clock: Clock,
  ) {}

  /**
   * Null: it may be served. So may what no router of ours signed: the core looks where a domain is at home anyway.
   * @throws DomainError unavailable
   */
  async refusalOf({ method, target, headers }: CheckedRequest): Promise<HomeRefusal | null> {
    const header = headers[INTERNAL_HEADER];
    if (typeof header !== 'string') return null;
    const caller = this.auth.verify(header, { method, path: target }, this.clock.now());
    const { domain = '', epoch = '' } = caller.ok ? caller.value.says : {};
    const name = parseDomainName(domain);
    if (!name.ok) return null;
    const home = await this.homes.homeOf(name.value);
    if (home?.region !== this.region) return 'not_home';
    return epoch === '' || home.epoch === Number(epoch) ? null : 'wrong_epoch';
  }
}
