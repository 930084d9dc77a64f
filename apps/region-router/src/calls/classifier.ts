import type { RegionTable } from '../region-table';
import type { Passage } from '../proxy/passage';
import { restClues } from '../routing/clues';
import { decide, type Decision, type Home } from '../routing/home';
import type { HomeFinder } from '../routing/home-finder';
import type { Route } from '../routing/paths';
import { domainInBody, targetOf } from './call-target';

/** A call whose home has to be found before anybody may see it. */
export type CallRoute = Extract<Route, { kind: 'call' | 'join' | 'rest' }>;

/** What headers and path say about a call, before a byte of its body was read. */
export interface EarlyFinding {
  readonly home: Home | undefined;
  readonly blind: boolean;
  /** Set when nothing that the body says could change it. */
  readonly settled: Extract<Decision, { kind: 'misdirected' | 'loop' }> | undefined;
}

/** Where `POST` makes something in a domain that its body names. */
const NAMED_IN_BODY: ReadonlySet<string> = new Set(['/v1/webhooks', '/v1/robots']);

/** What `GET` lists of an account as a whole, unless a domain is named. */
const ACCOUNT_LISTS: ReadonlySet<string> = new Set(['/v1/robots']);

/** Finds out where calls belong, in two steps: before their body is read, and with it. */
export class Classifier {
  constructor(
    private readonly table: RegionTable,
    private readonly finder: HomeFinder,
  ) {}

  /** Whether only the body can say which domain a call concerns, so that all of it has to be read. */
  needsBody({ method }: Passage, route: CallRoute): boolean {
    return route.kind !== 'rest' || (method === 'POST' && NAMED_IN_BODY.has(route.path));
  }

  /** @throws when the directory is down and nobody remembers */
  async early(passage: Passage): Promise<EarlyFinding> {
    const { headers } = passage.request;
    const { epoch } = passage.says;
    const { home, blind } = await this.finder.byHeaders({
      domain: single(headers['x-parley-domain']),
      host: headers.host,
      epoch: epoch === undefined ? undefined : Number(epoch),
    });
    const decision = home && this.decide(passage, home);
    const settled = decision?.kind === 'misdirected' || decision?.kind === 'loop' ? decision : undefined;
    return { home, blind, settled };
  }

  /**
   * Headers go first, but they cannot carry a strictly resident domain's payload past its border.
   * @param body undefined when it was not read
   * @throws when the directory is down and nobody remembers
   */
  async late(passage: Passage, route: CallRoute, early: EarlyFinding, body: Buffer | undefined): Promise<Home> {
    if (early.home !== undefined && this.decide(passage, early.home).kind === 'serve') return early.home;
    const named = await this.byContent(passage, route, body);
    if (early.home === undefined) {
      // A host that cannot be looked up may have been the one clue.
      if (named.kind === 'anywhere' && early.blind) throw new Error('the host could not be looked up');
      return named;
    }
    return named.kind === 'region' && named.strict ? named : early.home;
  }

  decide(passage: Passage, home: Home): Decision {
    return decide(home, this.table.own.id, passage.hops);
  }

  private byContent(passage: Passage, route: CallRoute, body: Buffer | undefined): Promise<Home> {
    const { headers } = passage.request;
    const authId = single(headers['x-auth-id']);
    if (route.kind !== 'rest') return this.finder.byTarget(targetOf(route, body ?? Buffer.alloc(0)), authId);
    const clues = restClues(route.path, route.query, headers.authorization);
    const inBody = body !== undefined && this.needsBody(passage, route) ? domainInBody(body) : undefined;
    const list = passage.method === 'GET' && ACCOUNT_LISTS.has(route.path) && clues.domain === undefined;
    return this.finder.byRest(clues, { inBody, authId, list });
  }
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
