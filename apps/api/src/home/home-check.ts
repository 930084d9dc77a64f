import type { Clock, DomainHome, DomainName, RegionId } from '@parley/domain';
import { parseDomainName } from '@parley/domain';
import type { Departed, DepartedKind } from '@parley/persistence';
import { INTERNAL_HEADER, type InternalAuth } from '@parley/server-kit';

/** Why a call is not served here. */
export type HomeRefusal =
  /** The domain that a router named is at home elsewhere, or unknown here. */
  | 'not_home'
  /** It is at home here, but the router knew it from before, or from after, a move. */
  | 'wrong_epoch'
  /** What is asked for by its id left from here with its domain. */
  | 'moved';

/** Names {@link HomeRefusal} in answers 421, for routers: they ask the directory anew and repeat the call once. */
export const REFUSAL_HEADER = 'x-parley-refused';

/** In answers `moved`, for routers alone: the domain whose home is to be asked. */
export const REFUSED_DOMAIN_HEADER = 'x-parley-refused-domain';

/** In answers 421, for routers: the region that is to be asked. */
export const REFUSED_REGION_HEADER = 'x-parley-refused-region';

export interface Refused {
  readonly why: HomeRefusal;
  /** What the answer says of it. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What a request says about itself. */
export interface CheckedRequest {
  readonly method: string;
  /** Path and query, as received. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Paths that name something by its id alone, and what it is. */
const BY_ID = /^\/v1\/(deliveries|webhooks|robots)\/([\w-]{1,128})(?:[/?]|$)/;
const KINDS: Readonly<Record<string, DepartedKind>> = {
  deliveries: 'delivery',
  webhooks: 'webhook',
  robots: 'robot',
};

/**
 * Compares what a router believed about a call's domain with what this region's own database says. Routers know domains
 * from a copy that may be old; a domain that moved must not be served by its former home.
 */
export class HomeCheck {
  constructor(
    private readonly homes: {
      homeOf(name: DomainName): Promise<DomainHome | null>;
      departed(kind: DepartedKind, id: string): Promise<Departed | null>;
    },
    private readonly auth: InternalAuth,
    private readonly region: RegionId,
    private readonly clock: Clock,
  ) {}

  /**
   * Null: it may be served. So may what no router of ours signed: the core looks where a domain is at home anyway.
   * @throws DomainError unavailable
   */
  async refusalOf(request: CheckedRequest): Promise<Refused | null> {
    const why = await this.ofDomain(request);
    if (why !== null) return { why, headers: { [REFUSAL_HEADER]: why } };
    const [, collection = '', id = ''] = BY_ID.exec(request.target) ?? [];
    const kind = KINDS[collection];
    return kind === undefined ? null : this.moved(kind, id, request);
  }

  /**
   * Null when nothing with this id left from here. Whose it was is told to our routers alone: anybody may ask for any id.
   * @throws DomainError unavailable
   */
  async moved(kind: DepartedKind, id: string, request: CheckedRequest): Promise<Refused | null> {
    const to = await this.homes.departed(kind, id);
    if (to === null) return null;
    const headers = { [REFUSAL_HEADER]: 'moved', [REFUSED_REGION_HEADER]: to.region };
    if (this.said(request) === undefined) return { why: 'moved', headers };
    return { why: 'moved', headers: { ...headers, [REFUSED_DOMAIN_HEADER]: to.domain } };
  }

  /** What a router of ours found out about the call; undefined when none brought it. */
  private said({ method, target, headers }: CheckedRequest): Readonly<Record<string, string>> | undefined {
    const header = headers[INTERNAL_HEADER];
    if (typeof header !== 'string') return undefined;
    const caller = this.auth.verify(header, { method, path: target }, this.clock.now());
    return caller.ok ? caller.value.says : undefined;
  }

  private async ofDomain(request: CheckedRequest): Promise<HomeRefusal | null> {
    const { domain = '', epoch = '' } = this.said(request) ?? {};
    const name = parseDomainName(domain);
    if (!name.ok) return null;
    const home = await this.homes.homeOf(name.value);
    if (home?.region !== this.region) return 'not_home';
    return epoch === '' || home.epoch === Number(epoch) ? null : 'wrong_epoch';
  }
}
