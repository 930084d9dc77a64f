import type { RegionId } from '@parley/domain';
import { MAX_BODY_BYTES } from '@parley/protocol-xroom';
import type { IncomingMessage } from 'node:http';
import { without } from '../proxy/headers';
import type { Passage, Says } from '../proxy/passage';
import type { Body, Proxy, Reply } from '../proxy/proxy';
import { announcedLength, hasBody, readBody } from '../proxy/read-body';
import type { ReplicaGroup } from '../proxy/replicas';
import type { UpstreamAnswer } from '../proxy/upstream-answer';
import type { RegionTable } from '../region-table';
import { prefersRedirect } from '../routing/clues';
import { hasMoved, type Home } from '../routing/home';
import { type HomeFinder, REFUSED_DOMAIN_HEADER } from '../routing/home-finder';
import { RegionSilent } from '../routing/residency';
import { type AccountLists, type ListAnswer, REGIONS_HEADER, writeList } from './account-list';
import { Classifier, type CallRoute } from './classifier';
import { downRefusal, Refusals } from './refusals';

/** For the whole body to arrive; shorter than the server's own limit, so that the answer has the protocol's form. */
export const BODY_TIMEOUT_MS = 20_000;

/** Answers that say: this is not the home, or not the home you mean. */
const MOVED_STATUSES: ReadonlySet<number> = new Set([421, 508]);

/** Headers of answers that no caller is told. */
const ROUTERS_ALONE = [REFUSED_DOMAIN_HEADER, REGIONS_HEADER];

const UNAVAILABLE = { code: 'unavailable', message: 'The service is not available now; try again.' };

/** One call with all that is known about it. */
interface Call {
  readonly route: CallRoute;
  readonly home: Home;
  /** It lists what the account has. */
  readonly list: boolean;
  readonly body: Body;
  /** It was sent before, to where it did not belong. */
  readonly repeated: boolean;
}

/** Finds the home of calls, and serves, forwards, spreads or refuses them. */
export class CallHandler {
  private readonly classifier: Classifier;
  private readonly refusals: Refusals;

  constructor(
    private readonly table: RegionTable,
    private readonly finder: HomeFinder,
    private readonly proxy: Proxy,
    private readonly api: ReplicaGroup,
    private readonly lists: AccountLists,
    private readonly bodyTimeoutMs: number = BODY_TIMEOUT_MS,
  ) {
    this.classifier = new Classifier(table, finder);
    this.refusals = new Refusals(table);
  }

  async handle(passage: Passage, route: CallRoute): Promise<void> {
    const early = await this.find(passage, () => this.classifier.early(passage));
    if (early === 'failed') return;
    if (early.settled !== undefined) return this.refusals.elsewhere(passage, early.settled);
    const body = await this.body(passage, route);
    if (body === 'failed') return;
    const read = Buffer.isBuffer(body) ? body : undefined;
    const found = await this.find(passage, () => this.classifier.late(passage, route, early, read));
    if (found !== 'failed') await this.act(passage, { route, ...found, body, repeated: false });
  }

  private async act(passage: Passage, call: Call): Promise<void> {
    const decision = this.classifier.decide(passage, call.home);
    switch (decision.kind) {
      case 'serve':
        if (this.isOtherRegionsList(passage, call)) {
          return this.answerList(passage, await this.lists.forOtherRegion(passage, call.body));
        }
        return this.serve(passage, call);
      case 'forward':
        return this.forward(passage, decision.region, call);
      case 'fan-out':
        return this.answerList(passage, await this.lists.everywhere(passage, decision.regions, call.body));
      case 'misdirected':
      case 'loop':
        return this.refusals.elsewhere(passage, decision);
    }
  }

  /** Whether another region's router asks for a list, in which strictly resident domains are only named. */
  private isOtherRegionsList({ hops, says }: Passage, { list }: Call): boolean {
    return hops > 0 && (list || says.regions !== undefined);
  }

  private async serve(passage: Passage, call: Call): Promise<void> {
    try {
      const says = told(call.home);
      const reply = await this.proxy.askGroup(passage, this.api, call.body, says === undefined ? {} : { says });
      await this.conclude(passage, call, reply);
    } catch (error) {
      this.proxy.fail(passage, error, UNAVAILABLE);
    }
  }

  private async forward(passage: Passage, id: RegionId, call: Call): Promise<void> {
    const region = this.table.find(id);
    if (region === undefined || this.table.stateOf(id) === 'down') return this.refusals.down(passage, id);
    if (prefersRedirect(passage.request.headers.prefer?.toString())) {
      return this.refusals.redirect(passage, id, region.url);
    }
    try {
      const says = call.list ? { regions: id } : told(call.home);
      const reply = await this.proxy.askRegion(passage, region, call.body, says);
      await this.conclude(passage, call, reply, id);
    } catch (error) {
      this.proxy.fail(passage, error, downRefusal(id));
    }
  }

  /**
   * Hands an answer through, unless it says that the call went to the wrong place and the directory, asked anew, knows a
   * better one. Then the call is sent there: once, only by the first router, and only if all of its body is at hand.
   */
  private async conclude(passage: Passage, call: Call, reply: Reply, from?: RegionId): Promise<void> {
    const home = await this.betterHome(call, reply.answer, from ?? this.table.own.id);
    const streamed = call.body !== undefined && !Buffer.isBuffer(call.body);
    if (home === undefined || call.repeated || streamed || passage.hops > 0 || passage.caller.isGone) {
      if (passage.hops === 0) hide(reply.answer);
      // Who says that it is not the home is not named as it, and may have named another one.
      const served = !MOVED_STATUSES.has(reply.answer.status) && reply.answer.headers['x-home-region'] === undefined;
      return this.proxy.relay(reply, passage.response, served && from !== undefined ? ['x-home-region', from] : []);
    }
    reply.answer.discard();
    reply.done();
    await this.act(passage, { ...call, home, repeated: true });
  }

  private async betterHome(
    { home }: Call,
    { status, headers }: UpstreamAnswer,
    asked: RegionId,
  ): Promise<Home | undefined> {
    // A list by key: whose it is, and where else they have something, the router could not know.
    const regions = headers[REGIONS_HEADER]?.toString().split(', ');
    if (regions !== undefined) return this.finder.everywhere(regions);
    if (!MOVED_STATUSES.has(status)) return undefined;
    // What it is about was in the api's memory alone.
    const told = await this.finder.asTold(headers);
    if (told !== undefined) return told.region === asked ? undefined : told;
    if (home.kind !== 'region' || home.domain === undefined) return undefined;
    const now = await this.finder.anew(home.domain).catch(() => undefined);
    return now !== undefined && hasMoved(home, now) ? now : undefined;
  }

  private answerList(passage: Passage, answer: ListAnswer): void {
    if (!answer.ok) return this.proxy.fail(passage, answer.error, downRefusal(answer.region));
    writeList(passage.response, answer);
  }

  /**
   * The body at hand, when the call cannot be sorted without it or it is short enough to be sent twice; otherwise the
   * request itself, to be passed on as it comes.
   */
  private async body(passage: Passage, route: CallRoute): Promise<Buffer | IncomingMessage | undefined | 'failed'> {
    const { request } = passage;
    const needed = this.classifier.needsBody(passage, route);
    if (!needed && !hasBody(request)) return undefined;
    const length = announcedLength(request);
    if (!needed && (length === undefined || length > MAX_BODY_BYTES)) return request;
    if ((length ?? 0) > MAX_BODY_BYTES) return this.refuseBody(passage, 'too_large');
    const body = await readBody(request, { bytes: MAX_BODY_BYTES, ms: this.bodyTimeoutMs });
    return body.ok ? body.value : this.refuseBody(passage, body.error);
  }

  private refuseBody(passage: Passage, failure: Parameters<Refusals['body']>[1]): 'failed' {
    this.refusals.body(passage, failure);
    return 'failed';
  }

  /** Asks for a home; when nobody who could tell answers, says so and answers `failed`. */
  private async find<Found>(passage: Passage, ask: () => Promise<Found>): Promise<Found | 'failed'> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof RegionSilent) this.refusals.down(passage, error.region);
      else this.refusals.directoryDown(passage);
      return 'failed';
    }
  }
}

/** Takes out what only routers are to know, from an answer that goes to somebody else. */
function hide(answer: UpstreamAnswer): void {
  const told = ROUTERS_ALONE.some((name) => answer.headers[name] !== undefined);
  if (told) answer.rawHeaders = without(answer.rawHeaders, new Set(ROUTERS_ALONE));
}

/** What is signed for whoever serves a call: they know best whether it is so. */
function told(home: Home): Says | undefined {
  if (home.kind !== 'region') return undefined;
  // Found by an id or a key, there is nothing to say; but only who signs is told everything.
  if (home.domain === undefined) return {};
  return { domain: home.domain, ...(home.epoch === undefined ? {} : { epoch: String(home.epoch) }) };
}
