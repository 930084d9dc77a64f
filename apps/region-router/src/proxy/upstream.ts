import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import type { RawHeaders } from './headers';
import { type Origin, originOf } from './origins';
import type { Caller } from './passage';

/** A request to pass on. */
export interface Outgoing {
  readonly method: string;
  /** Path and query, as received. */
  readonly target: string;
  readonly headers: RawHeaders;
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

/**
 * Sends requests over kept connections with their headers untouched. Node's own client, because it takes and gives raw
 * headers and tells the moment a connection stands, before which nothing was sent.
 */
export class UpstreamClient {
  private readonly origins = new Map<string, Origin>();
  private readonly plain = new HttpAgent({ keepAlive: true, maxFreeSockets: 64 });
  private readonly secure = new HttpsAgent({ keepAlive: true, maxFreeSockets: 64 });

  /**
   * @param caller whoever asked: when they have gone it ends
   * @throws {UpstreamError}
   */
  send(base: string, outgoing: Outgoing, times: UpstreamTimes, caller?: Caller): Promise<IncomingMessage> {
    const request = this.open(base, outgoing);
    caller?.onGone(() => request.destroy(new Error('the caller has gone')));
    let [connected, timedOut] = [false, false];
    const connecting = setTimeout(() => request.destroy(new Error('no connection in time')), times.connectMs);
    const start = () => {
      clearTimeout(connecting);
      connected = true;
      request.setTimeout(times.answerMs, () => {
        timedOut = true;
        request.destroy(new Error('no answer in time'));
      });
      write(request, outgoing.body);
    };
    request.once('socket', (socket) => {
      if (!socket.connecting) start();
      else socket.once('encrypted' in socket ? 'secureConnect' : 'connect', start);
    });
    return new Promise((resolve, reject) => {
      request.once('response', resolve);
      request.on('error', (error) => {
        clearTimeout(connecting);
        reject(new UpstreamError(!connected, error, timedOut));
      });
    });
  }

  close(): void {
    this.plain.destroy();
    this.secure.destroy();
  }

  private open(base: string, { method, target, headers }: Outgoing): ClientRequest {
    const { secure, hostname, port } = this.originOf(base);
    const options = { hostname, port, path: target, method, headers };
    return secure ? httpsRequest({ ...options, agent: this.secure }) : httpRequest({ ...options, agent: this.plain });
  }

  private originOf(base: string): Origin {
    const known = this.origins.get(base);
    if (known !== undefined) return known;
    // There are as many as replicas and regions.
    const origin = originOf(base);
    this.origins.set(base, origin);
    return origin;
  }
}

function write(request: ClientRequest, body: Buffer | Readable | undefined): void {
  if (body === undefined || Buffer.isBuffer(body)) request.end(body);
  else pipeline(body, request, () => undefined); // a failure shows as the request's own error
}
