import type { RegionId } from '@parley/domain';
import { MAX_BODY_BYTES, type CallTarget } from '@parley/protocol-xroom';
import type { CachedDirectory } from '../directory/cached-directory';
import { refuse, type Refusal } from '../proxy/answer';
import type { Passage } from '../proxy/passage';
import type { Proxy } from '../proxy/proxy';
import { announcedLength, readBody, type BodyFailure } from '../proxy/read-body';
import type { ReplicaGroup } from '../proxy/replicas';
import type { RegionTable } from '../region-table';
import { decide, type Decision, type Home } from '../routing/home';
import type { HomeFinder } from '../routing/home-finder';
import type { Route } from '../routing/paths';
import { type AccountLists, type ListAnswer, OMITTED_HEADER } from './account-list';
import { targetOf } from './call-target';
import type { RestTarget } from './rest-target';

/** A call whose home has to be found before anybody may see it. */
export type CallRoute = Extract<Route, { kind: 'call' | 'join' | 'rest' }>;

/** For the whole body to arrive; shorter than the server's own limit, so that the answer has the protocol's form. */
export const BODY_TIMEOUT_MS = 20_000;

const BODY_REFUSALS: Record<Exclude<BodyFailure, 'broken'>, Refusal> = {
  too_large: {
    status: 413,
    code: 'too_large',
    message: `The request is larger than ${MAX_BODY_BYTES} bytes.`,
    hangUp: true,
  },
  too_slow: { status: 408, code: 'too_slow', message: 'The request took too long to arrive.', hangUp: true },
};

/** Finds the home of xroom calls, joins and calls of the REST API, and serves, forwards, spreads or refuses them. */
export class CallHandler {
  constructor(
    private readonly table: RegionTable,
    private readonly directory: CachedDirectory,
    private readonly finder: HomeFinder,
    private readonly proxy: Proxy,
    private readonly api: ReplicaGroup,
    private readonly lists: AccountLists,
    private readonly bodyTimeoutMs: number = BODY_TIMEOUT_MS,
  ) {}

  async handle(passage: Passage, route: CallRoute): Promise<void> {
    const { headers } = passage.request;
    const named = single(headers['x-parley-domain']);
    const byHeaders = await this.find(passage, () => this.finder.byHeaders({ domain: named, host: headers.host }));
    if (byHeaders === 'failed') return;
    // The headers may settle it: then not a byte of the body is read here.
    const early = byHeaders && decide(byHeaders, this.table.own.id, passage.hops);
    if (early?.kind === 'misdirected' || early?.kind === 'loop') return this.refuseElsewhere(passage, early);
    const body = await this.body(passage);
    if (body === undefined) return;
    const target = targetOf(route, body, headers.authorization);
    const home = early?.kind === 'serve' ? byHeaders : await this.byBoth(passage, byHeaders, target);
    if (home === 'failed' || home === undefined) return;
    await this.act(passage, decide(home, this.table.own.id, passage.hops), { home, target, body });
  }

  /** Headers go first, but they cannot carry a strictly resident domain's payload past its border. */
  private async byBoth(
    passage: Passage,
    byHeaders: Home | undefined,
    target: CallTarget | RestTarget,
  ): Promise<Home | 'failed'> {
    const authId = single(passage.request.headers['x-auth-id']);
    const byTarget = await this.find(passage, () => this.finder.byTarget(target, authId));
    if (byTarget === 'failed' || byHeaders === undefined) return byTarget;
    return byTarget.kind === 'region' && byTarget.strict ? byTarget : byHeaders;
  }

  private async act(
    passage: Passage,
    decision: Decision,
    call: { readonly home: Home; readonly target: CallTarget | RestTarget; readonly body: Buffer },
  ): Promise<void> {
    switch (decision.kind) {
      case 'serve':
        if (passage.hops > 0 && call.target.kind === 'account' && call.home.kind === 'account') {
          return this.answerList(passage, await this.lists.forOtherRegion(passage, call.body));
        }
        return this.serve(passage, call.body);
      case 'forward':
        return this.forward(passage, decision.region, call.home, call.body);
      case 'fan-out':
        return this.answerList(passage, await this.lists.everywhere(passage, decision.regions, call.body));
      case 'misdirected':
      case 'loop':
        return this.refuseElsewhere(passage, decision);
    }
  }

  private async serve(passage: Passage, body: Buffer): Promise<void> {
    try {
      this.proxy.relay(await this.proxy.askGroup(passage, this.api, body), passage.response);
    } catch (error) {
      this.proxy.fail(passage, error, { code: 'unavailable', message: 'The service is not available now; try again.' });
    }
  }

  private async forward(passage: Passage, id: RegionId, home: Home, body: Buffer): Promise<void> {
    const region = this.table.find(id);
    if (region === undefined) return this.refuseDown(passage, id);
    const domain = home.kind === 'region' ? home.domain : undefined;
    try {
      const reply = await this.proxy.askRegion(passage, region, body, domain);
      // It says it is home no more: the next call asks the directory anew.
      if (domain !== undefined && (reply.message.statusCode === 421 || reply.message.statusCode === 508)) {
        this.directory.forgetDomain(domain);
      }
      this.proxy.relay(reply, passage.response, ['x-home-region', id]);
    } catch (error) {
      this.proxy.fail(passage, error, downRefusal(id));
    }
  }

  private answerList(passage: Passage, answer: ListAnswer): void {
    if (!answer.ok) return this.proxy.fail(passage, answer.error, downRefusal(answer.region));
    const bytes = Buffer.from(JSON.stringify(answer.envelope));
    passage.response.writeHead(answer.status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(bytes.length),
      ...(answer.omitted.length === 0 ? {} : { [OMITTED_HEADER]: answer.omitted.join(', ') }),
    });
    passage.response.end(bytes);
  }

  private refuseElsewhere(passage: Passage, decision: Extract<Decision, { kind: 'misdirected' | 'loop' }>): void {
    const { region } = decision;
    const url = this.table.find(region)?.url;
    const host = url === undefined ? undefined : new URL(url).host;
    const headers = { 'x-home-region': region, ...(host === undefined ? {} : { 'x-home-host': host }) };
    const where = url === undefined ? region : `${region}; send the call to ${url}`;
    if (decision.kind === 'misdirected') {
      const message = `The domain's data stays in its region: ${where}.`;
      return refuse(passage.response, passage.target, {
        status: 421,
        code: 'wrong_region',
        message,
        headers,
        hangUp: true,
      });
    }
    const message = `Two regions disagree about the domain's home; this one says ${where}.`;
    refuse(passage.response, passage.target, { status: 508, code: 'routing_loop', message, headers, hangUp: true });
  }

  private refuseDown(passage: Passage, region: RegionId): void {
    const refusal = downRefusal(region);
    refuse(passage.response, passage.target, {
      status: 503,
      ...refusal,
      headers: { 'retry-after': '5', ...refusal.headers },
    });
  }

  private async body(passage: Passage): Promise<Buffer | undefined> {
    const { request, response, target } = passage;
    if ((announcedLength(request) ?? 0) > MAX_BODY_BYTES) {
      refuse(response, target, BODY_REFUSALS.too_large);
      return undefined;
    }
    const body = await readBody(request, { bytes: MAX_BODY_BYTES, ms: this.bodyTimeoutMs });
    if (body.ok) return body.value;
    if (body.error === 'broken') response.destroy();
    else refuse(response, target, BODY_REFUSALS[body.error]);
    return undefined;
  }

  /** Asks for a home; when the directory is down and nobody remembers, says so and answers `failed`. */
  private async find<Found>(passage: Passage, ask: () => Promise<Found>): Promise<Found | 'failed'> {
    try {
      return await ask();
    } catch {
      const message = 'The home region cannot be found out now; try again.';
      const headers = { 'retry-after': '5' };
      refuse(passage.response, passage.target, { status: 503, code: 'directory_down', message, headers, hangUp: true });
      return 'failed';
    }
  }
}

const downRefusal = (region: RegionId) => ({
  code: 'home_region_down',
  message: `The home region ${region} does not answer; try again.`,
  headers: { 'x-home-region': region },
});

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
