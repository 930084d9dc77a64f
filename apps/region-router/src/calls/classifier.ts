import { parseDomainName, type DomainName } from '@parley/domain';
import type { CallTarget } from '@parley/protocol-xroom';
import type { Passage } from '../proxy/passage';
import type { RegionTable } from '../region-table';
import { type RestClues, restClues } from '../routing/clues';
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

/** Keys are the account's own: nothing of a domain is in what is asked about them. */
const KEYS = /^\/v1\/keys(?:\/|$)/;

/** What path, query and body say. */
type Content =
  | { readonly kind: 'target'; readonly target: CallTarget }
  | {
      readonly kind: 'rest';
      readonly path: string;
      readonly clues: RestClues;
      readonly inBody: DomainName | undefined;
      readonly list: boolean;
    };

/** Where a call belongs, with all that can be known. */
export interface Finding {
  readonly home: Home;
  /** It lists what the account has, whatever else says where it is to go. */
  readonly list: boolean;
}

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
   * @throws when the directory is down and nobody remembers; {@link RegionSilent}
   */
  async late(passage: Passage, route: CallRoute, early: EarlyFinding, body: Buffer | undefined): Promise<Finding> {
    // Another router of ours asks every region for its part, and a key may be of any of them.
    const { regions } = passage.says;
    if (regions !== undefined) return { home: this.finder.everywhere(regions.split(',')), list: true };
    if (early.home !== undefined && this.decide(passage, early.home).kind === 'serve') {
      return { home: early.home, list: false };
    }
    const content = this.contentOf(passage, route, body);
    const home = this.combined(early, await this.byContent(passage, content));
    return { home: namesNothing(content) ? await this.finder.unnamed(home) : home, list: isList(content) };
  }

  private combined({ home, blind }: EarlyFinding, named: Home): Home {
    // A host that cannot be looked up may have been the one clue.
    if (home === undefined && named.kind === 'anywhere' && blind) throw new Error('the host could not be looked up');
    return home === undefined || (named.kind === 'region' && named.strict) ? named : home;
  }

  decide(passage: Passage, home: Home): Decision {
    return decide(home, this.table.own.id, passage.hops);
  }

  private contentOf(passage: Passage, route: CallRoute, body: Buffer | undefined): Content {
    if (route.kind !== 'rest') return { kind: 'target', target: targetOf(route, body ?? Buffer.alloc(0)) };
    const { path, query } = route;
    const clues = restClues(path, query, passage.request.headers.authorization);
    const inBody = body !== undefined && this.needsBody(passage, route) ? domainInBody(body) : undefined;
    const list = passage.method === 'GET' && ACCOUNT_LISTS.has(path) && clues.domain === undefined;
    return { kind: 'rest', path, clues, inBody, list };
  }

  private byContent({ request }: Passage, content: Content): Promise<Home> {
    const authId = single(request.headers['x-auth-id']);
    return content.kind === 'target'
      ? this.finder.byTarget(content.target, authId)
      : this.finder.byRest(content.clues, { ...content, authId });
  }
}

function isList(content: Content): boolean {
  return content.kind === 'target' ? content.target.kind === 'account' : content.list;
}

/** Whether it could concern any domain, as far as can be read: no id, no domain, and not the account as a whole. */
function namesNothing(content: Content): boolean {
  if (content.kind === 'target') return content.target.kind === 'unknown';
  const { path, clues, inBody, list } = content;
  if (list || KEYS.test(path)) return false;
  const named = inBody !== undefined || parseDomainName(clues.domain ?? '').ok;
  return !named && clues.numeric === undefined && clues.delivery === undefined;
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
