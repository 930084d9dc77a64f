import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { RawHeaders } from './headers';

/** Whoever waits for an answer. */
interface Waiting {
  /** Status and headers are there. */
  came(): void;
  /** They never will be. `sent`: the request was on its way. */
  failed(error: Error, sent: boolean): void;
}

/** Whoever takes an answer's body. */
interface Taker {
  /** @returns whether more may come at once */
  take(chunk: Buffer): boolean;
  end(): void;
  fail(error: Error): void;
}

/** Most bytes that wait for somebody to take them; mostly all of an answer has come by then. */
const MAX_WAITING = 65_536;

/** One answer of an upstream: status and headers when it is handed out, the body when somebody takes it. */
export class UpstreamAnswer implements Dispatcher.DispatchHandler {
  status = 0;
  statusText = '';
  /** Values by name in lower case. */
  headers: IncomingHttpHeaders = {};
  /** As they came. */
  rawHeaders: RawHeaders = [];
  private controller: Dispatcher.DispatchController | undefined;
  private taker: Taker | undefined;
  private readonly waiting: Buffer[] = [];
  private waitingBytes = 0;
  private outcome: 'open' | 'complete' | Error = 'open';
  private abandoned: Error | undefined;

  constructor(private readonly asked: Waiting) {}

  /**
   * Hands the body over. When it breaks off so does the response, since half an answer cannot be taken back.
   * @param idleMs who reads nothing for so long is cut off: the upstream's connection waits with them
   */
  pourInto(response: ServerResponse, idleMs: number): void {
    response.on('error', () => undefined);
    if (this.outcome === 'complete') return void response.end(Buffer.concat(this.waiting));
    response.on('drain', () => this.controller?.resume()).setTimeout(idleMs, () => response.destroy());
    this.give({
      take: (chunk) => response.write(chunk),
      end: () => response.end(),
      fail: () => response.destroy(),
    });
  }

  /**
   * The whole body.
   * @throws when it is larger than `maxBytes`, or does not come
   */
  read(maxBytes: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    return new Promise((resolve, reject) => {
      const take = (chunk: Buffer) => {
        size += chunk.length;
        if (size <= maxBytes) return chunks.push(chunk) > 0;
        const tooLarge = new Error('the answer is too large');
        this.abandon(tooLarge);
        reject(tooLarge);
        return true;
      };
      this.give({ take, end: () => resolve(Buffer.concat(chunks)), fail: reject });
    });
  }

  /** Nobody wants the body. */
  discard(): void {
    this.give({ take: () => true, end: () => undefined, fail: () => undefined });
  }

  /** Ends the exchange, if it is not over. */
  abandon(reason: Error): void {
    if (this.outcome !== 'open') return;
    this.abandoned = reason;
    this.controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.abandoned !== undefined) controller.abort(this.abandoned);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    text?: string,
  ): void {
    if (status < 200) return; // the real one follows
    this.status = status;
    this.statusText = text ?? '';
    this.headers = headers;
    const { rawHeaders } = controller;
    this.rawHeaders = Array.isArray(rawHeaders) ? rawHeaders.map(textOf) : [];
    this.asked.came();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.taker !== undefined) {
      if (!this.taker.take(chunk)) controller.pause();
      return;
    }
    this.waiting.push(chunk);
    this.waitingBytes += chunk.length;
    if (this.waitingBytes > MAX_WAITING) controller.pause();
  }

  onResponseEnd(): void {
    this.outcome = 'complete';
    this.taker?.end();
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.outcome = error;
    if (this.status === 0) this.asked.failed(error, this.controller !== undefined);
    else this.taker?.fail(error);
  }

  private give(taker: Taker): void {
    this.taker = taker;
    let more = true;
    for (const chunk of this.waiting.splice(0)) more = taker.take(chunk);
    if (this.outcome === 'complete') taker.end();
    else if (this.outcome !== 'open') taker.fail(this.outcome);
    else if (more) this.controller?.resume();
  }
}

function textOf(part: Buffer | string): string {
  return typeof part === 'string' ? part : part.toString('latin1');
}
