import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { INTERNAL_HEADER, type InternalAuth, type Logger } from '@parley/server-kit';
import type { Region, RegionTable } from '../region-table';
import { refuse, type Refusal } from './answer';
import { endToEnd, type RawHeaders } from './headers';
import { Letterhead } from './letterhead';
import { onwardHeaders, type Passage, type Says } from './passage';
import { RegionBreaker } from './region-breaker';
import type { Replica, ReplicaGroup } from './replicas';
import { UnsendableError, UpstreamClient, UpstreamError, type UpstreamTimes } from './upstream';
import type { UpstreamAnswer } from './upstream-answer';
import { originOf } from './origins';

export interface ProxyTimes {
  readonly ownRegion: UpstreamTimes;
  readonly otherRegion: UpstreamTimes;
  /** For one region's part of a list: a dead region must not keep the others' parts for long. */
  readonly listPart: UpstreamTimes;
}

export const PROXY_TIMES: ProxyTimes = {
  ownRegion: { connectMs: 1_000, answerMs: 60_000 },
  otherRegion: { connectMs: 2_000, answerMs: 60_000 },
  listPart: { connectMs: 2_000, answerMs: 10_000 },
};

/** Longest host with its port that is passed on as signed. */
const MAX_HOST = 260;

/** RFC 9110 section 9.2.2: doing them twice does no more than doing them once. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

export type Body = Buffer | Readable | undefined;

/** An answer with what has to happen when it is over. */
export interface Reply {
  readonly answer: UpstreamAnswer;
  readonly done: () => void;
}

/** Passes requests on: to a replica of this region, or once to the front door of another one. */
export class Proxy {
  private readonly client = new UpstreamClient();
  private readonly letterhead: Letterhead;
  private readonly breaker = new RegionBreaker(() => performance.now());

  constructor(
    private readonly table: RegionTable,
    auth: InternalAuth,
    private readonly now: () => Date,
    private readonly logger: Logger,
    readonly times: ProxyTimes = PROXY_TIMES,
  ) {
    this.letterhead = new Letterhead(auth);
  }

  /**
   * Asks the replicas one after the other until one accepts a connection. A request of which a byte was sent is repeated,
   * once, only when it is idempotent and its body is at hand.
   * @throws {UpstreamError}
   */
  async askGroup(passage: Passage, group: ReplicaGroup, body: Body, options: GroupOptions = {}): Promise<Reply> {
    const { candidates = group.candidates(), says, times = this.times.ownRegion } = options;
    const headers = onwardHeaders(passage, says && this.signed(passage, passage.hops, says));
    let last: UpstreamError | undefined;
    let mayRepeat = isRepeatable(passage, body);
    for (const replica of mayRepeat ? [...candidates, ...candidates.slice(0, 1)] : candidates) {
      const done = group.begin(replica);
      try {
        const answer = await this.send(replica.url, passage, headers, body, times);
        // They may have gone just now, and no response will tell then that it is over.
        passage.caller.onGone(done);
        return { answer, done };
      } catch (error) {
        done();
        if (!(error instanceof UpstreamError)) throw error;
        last = error;
        if (passage.caller.isGone || error.timedOut) break;
        if (error.nothingSent) group.markDown(replica);
        else if (!mayRepeat) break;
        else mayRepeat = false;
      }
    }
    throw last ?? new UpstreamError(true, new Error(`${group.service} has no replica`));
  }

  /**
   * Asks another region's front door, with our signature and the hop counted.
   * @param says what was found out about the call, so that the other side does not have to find it again
   * @throws {UpstreamError}
   */
  async askRegion(
    passage: Passage,
    region: Region,
    body: Body,
    says: Says = {},
    times = this.times.otherRegion,
  ): Promise<Reply> {
    const headers = onwardHeaders(passage, {
      host: originOf(region.url).host,
      ...this.signed(passage, passage.hops + 1, says),
      ...(says.domain === undefined ? {} : { 'x-parley-domain': says.domain }),
    });
    const send = async () => {
      if (!this.breaker.admits(region.id)) throw new UpstreamError(true, new Error('the region takes no connections'));
      try {
        const answer = await this.send(region.url, passage, headers, body, times);
        this.breaker.reached(region.id);
        return { answer, done: () => undefined };
      } catch (error) {
        if (error instanceof UpstreamError) this.heard(region, error, passage);
        throw error;
      }
    };
    return send().catch((error: unknown) => {
      const again = error instanceof UpstreamError && !error.timedOut && !passage.caller.isGone;
      if (again && isRepeatable(passage, body)) return send();
      throw error;
    });
  }

  private heard(region: Region, { nothingSent }: UpstreamError, { caller }: Passage): void {
    if (!nothingSent) this.breaker.reached(region.id);
    else if (!caller.isGone) this.breaker.missed(region.id);
  }

  /** Hands an answer through, whatever it is. */
  relay({ answer, done }: Reply, response: ServerResponse, extra: RawHeaders = []): void {
    response.writeHead(answer.status, answer.statusText, [...endToEnd(answer.rawHeaders), ...extra]);
    response.once('close', done);
    answer.pourInto(response, this.times.ownRegion.answerMs);
  }

  /** Answers for an upstream that did not. */
  fail(passage: Passage, error: unknown, refusal: Pick<Refusal, 'code' | 'message' | 'headers'>): void {
    if (passage.caller.isGone) return void passage.response.destroy();
    if (error instanceof UnsendableError) {
      const message = 'The request cannot be passed on.';
      return refuse(passage.response, passage.target, { status: 400, code: 'unreadable', message, hangUp: true });
    }
    if (!(error instanceof UpstreamError)) throw error;
    const { code, cause, nothingSent } = { code: refusal.code, cause: error.cause, nothingSent: error.nothingSent };
    this.logger.warn({ requestId: passage.id, code, nothingSent, err: cause }, 'upstream did not answer');
    const headers = { 'retry-after': '5', ...refusal.headers };
    // Nobody reads the rest of what the caller is still sending.
    const hangUp = !passage.request.complete;
    refuse(passage.response, passage.target, { status: 503, ...refusal, headers, hangUp });
  }

  close(): Promise<void> {
    return this.client.close();
  }

  private signed(passage: Passage, hops: number, says: Says): Record<string, string> {
    const { client, proto, host } = passage.forwarded;
    // The caller chose the host; one that is too long for a name must not crowd out what we found out.
    const named = host === undefined || host.length > MAX_HOST ? {} : { host };
    const told = { for: client, proto, ...named, ...says };
    const call = { method: passage.method, path: passage.target, hops, from: `region-router@${this.table.own.id}` };
    return { [INTERNAL_HEADER]: this.letterhead.sign({ ...call, says: told }, this.now()) };
  }

  private send(base: string, passage: Passage, headers: string[], body: Body, times: UpstreamTimes) {
    const outgoing = { method: passage.method, target: passage.target, headers: framed(headers, passage, body), body };
    return this.client.send(base, outgoing, times, passage.caller);
  }
}

interface GroupOptions {
  readonly candidates?: readonly Replica[];
  /** Signed for the replica; without it nothing is. */
  readonly says?: Says | undefined;
  readonly times?: UpstreamTimes;
}

function isRepeatable(passage: Passage, body: Body): boolean {
  return IDEMPOTENT.has(passage.method) && (body === undefined || Buffer.isBuffer(body));
}

/**
 * How long a body is that is passed on as it comes; of one that is at hand the client says it itself. What was said before
 * is dropped: it may have been a lie, or struck out by `Connection: content-length`.
 */
function framed(headers: string[], { request }: Passage, body: Body): string[] {
  const length = request.headers['content-length'];
  const streams = body !== undefined && !Buffer.isBuffer(body);
  return streams && length !== undefined ? [...headers, 'Content-Length', length] : headers;
}
