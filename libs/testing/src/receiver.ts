import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { type AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { Inbox } from './inbox';
import type { Certificate } from './self-signed';

/** A request as it arrived. */
export interface ReceivedRequest {
  method: string;
  /** Path and query. */
  url: string;
  /** Names in lower case; repeated headers joined as Node does. */
  headers: Record<string, string>;
  /** The body's bytes as text. */
  body: string;
  /** When it had arrived completely, in milliseconds of `performance.now()`. */
  receivedAt: number;
}

/** What the receiver does with a request. */
export interface Answer {
  /** Default 200. */
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** A body of so many bytes instead, sent as fast as it is read. */
  bodyBytes?: number;
  /** Waits this long before it answers, in milliseconds. */
  delayMs?: number;
  /**
   * `hang`: never answers; `drop`: cuts the connection instead of answering; `reset`: the same with a RST; `half`: cuts it
   * in the middle of the body; `drip`: says its headers byte by byte, for ever.
   */
  failure?: 'hang' | 'drop' | 'reset' | 'half' | 'drip';
}

export type AnswerOrFunction = Answer | ((request: ReceivedRequest) => Answer | Promise<Answer>);

/** A web server that writes down what it is sent: the other end of webhooks, or a foreign backend. */
export interface Receiver {
  /** `http://127.0.0.1:<port>`, or `https:` with a certificate, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Everything that arrived, in order. */
  readonly requests: readonly ReceivedRequest[];
  /** Bytes of bodies that were handed to connections so far. */
  readonly bytesSaid: number;
  /** Changes what following requests are answered. */
  answer(answer: AnswerOrFunction): void;
  /** Shows following connections this certificate; only with TLS. */
  present(certificate: Certificate): void;
  /**
   * Waits for `what` requests in all, or for the first request that fits.
   * @returns the last awaited request
   * @throws Error that lists what did arrive
   */
  waitFor(what: number | ((request: ReceivedRequest) => boolean), timeoutMs?: number): Promise<ReceivedRequest>;
  /** Cuts hanging connections and stops listening. */
  close(): Promise<void>;
}

/**
 * Starts a receiver on a free loopback port. It answers 200 with an empty body until told otherwise.
 * @param certificate with one it speaks TLS
 */
export async function startReceiver(first: AnswerOrFunction = {}, certificate?: Certificate): Promise<Receiver> {
  const inbox = new Inbox<ReceivedRequest>('the receiver', describe);
  let answer = first;
  const said = { bytes: 0 };
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    void handle(request, response, inbox, () => answer, said).catch(() => response.destroy());
  };
  const tls = certificate === undefined ? undefined : createTlsServer({ ...certificate }, serve);
  const server = tls ?? createServer(serve);
  const port = await listen(server);
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    get bytesSaid() {
      return said.bytes;
    },
    present: (other) => tls?.setSecureContext({ ...other }),
    requests: inbox.all,
    answer: (next) => {
      answer = next;
    },
    waitFor: (what, timeoutMs) =>
      typeof what === 'number'
        ? inbox.until((requests) => requests[what - 1], `${what} requests`, timeoutMs)
        : inbox.until((requests) => requests.find(what), 'a request that fits', timeoutMs),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  inbox: Inbox<ReceivedRequest>,
  current: () => AnswerOrFunction,
  said: { bytes: number },
): Promise<void> {
  const received = await read(request);
  // Decided before a test that waits for the request wakes up and changes the answer for the next one.
  const chosen = current();
  inbox.add(received);
  await respond(response, typeof chosen === 'function' ? await chosen(received) : chosen, said);
}

async function read(request: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as const);
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks).toString('utf8'),
    receivedAt: performance.now(),
  };
}

async function respond(response: ServerResponse, answer: Answer, said: { bytes: number }): Promise<void> {
  if (answer.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, answer.delayMs));
  if (answer.failure === 'hang') return;
  if (answer.failure === 'drop') return void response.destroy();
  if (answer.failure === 'reset') return void response.socket?.resetAndDestroy();
  if (answer.failure === 'drip') return drip(response);
  const body = answer.body ?? '';
  response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
  if (answer.failure === 'half') {
    response.write(body.slice(0, Math.ceil(body.length / 2)), () => response.destroy());
    return;
  }
  if (answer.bodyBytes !== undefined) return pour(response, answer.bodyBytes, said);
  response.end(body);
}

const DRIP_MS = 20;

function drip({ socket }: ServerResponse): void {
  socket?.write('HTTP/1.1 200 OK\r\nx-drip: ');
  const drops = setInterval(() => socket?.write('x'), DRIP_MS);
  socket?.once('close', () => clearInterval(drops)).on('error', () => undefined);
}

async function pour(response: ServerResponse, bytes: number, said: { bytes: number }): Promise<void> {
  const part = Buffer.alloc(65_536, 'x');
  const parts = function* (): Generator<Buffer> {
    for (let left = bytes; left > 0; left -= part.length) {
      said.bytes += Math.min(left, part.length);
      yield part.subarray(0, left);
    }
  };
  // Whoever does not read to the end breaks the pipe.
  await pipeline(parts, response).catch(() => undefined);
}

function listen(server: Server | TlsServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function describe(request: ReceivedRequest): string {
  const body = request.body.length > 500 ? `${request.body.slice(0, 500)}…` : request.body;
  return `${request.method} ${request.url} ${JSON.stringify(request.headers)} ${body}`;
}
