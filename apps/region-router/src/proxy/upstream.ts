import { PassThrough, type Readable } from 'node:stream';
import { errors, Pool } from 'undici';
import type { Caller } from './passage';
import { UpstreamAnswer } from './upstream-answer';

/** A request to pass on. */
export interface Outgoing {
  readonly method: string;
  /** Path and query, as received. */
  readonly target: string;
  /** End to end; without a length. */
  readonly headers: string[];
  readonly body: Buffer | Readable | undefined;
}

export interface UpstreamTimes {
  readonly connectMs: number;
  /** From the request to the answer's headers, and between two parts of its body. */
  readonly answerMs: number;
}

/** No answer came. `nothingSent`: not a byte reached the other side, so asking another one is safe. */
export class UpstreamError extends Error {
  constructor(
    readonly nothingSent: boolean,
    cause: unknown,
    /** It had its time; asking once more would only double it. */
    readonly timedOut = false,
  ) {
    super('the upstream did not answer', { cause });
    this.name = 'UpstreamError';
  }
}

/** The request cannot be passed on as it is, to nobody: the caller's fault. */
export class UnsendableError extends Error {
  constructor(cause: unknown) {
    super('the request cannot be passed on', { cause });
    this.name = 'UnsendableError';
  }
}

/** Sends requests over kept connections with their headers as they came: order, case and repetitions. */
export class UpstreamClient {
  private readonly pools = new Map<string, Pool>();

  /**
   * @param caller whoever asked: when they have gone it ends
   * @throws {UpstreamError | UnsendableError}
   */
  send(base: string, outgoing: Outgoing, times: UpstreamTimes, caller?: Caller): Promise<UpstreamAnswer> {
    const { method, target, headers, body } = outgoing;
    return new Promise((resolve, reject) => {
      const answer = new UpstreamAnswer({
        came: () => resolve(answer),
        failed: (error, sent) => reject(judged(error, sent)),
      });
      caller?.onGone(() => answer.abandon(new Error('the caller has gone')));
      const { answerMs: headersTimeout, answerMs: bodyTimeout } = times;
      const options = { method, path: target, headersTimeout, bodyTimeout };
      this.pool(base, times).dispatch({ ...options, headers, body: sendable(body) }, answer);
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.pools.values()].map((pool) => pool.destroy()));
  }

  private pool(base: string, { connectMs }: UpstreamTimes): Pool {
    // There are as many as replicas and regions.
    const key = `${connectMs} ${base}`;
    const known = this.pools.get(key);
    if (known !== undefined) return known;
    const pool = new Pool(new URL(base).origin, { pipelining: 1, connect: { timeout: connectMs, noDelay: true } });
    this.pools.set(key, pool);
    return pool;
  }
}

/** The client destroys a stream that it cannot send, and with it the connection on which the caller waits to hear so. */
function sendable(body: Outgoing['body']): Buffer | Readable | null {
  return body === undefined || Buffer.isBuffer(body) ? (body ?? null) : body.pipe(new PassThrough());
}

function judged(error: Error, sent: boolean): Error {
  if (!sent && (error instanceof errors.InvalidArgumentError || error instanceof errors.NotSupportedError)) {
    return new UnsendableError(error);
  }
  const timedOut = error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
  return new UpstreamError(!sent, error, timedOut);
}
