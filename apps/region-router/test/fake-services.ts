import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';

/** A request as a service behind the router saw it. */
export interface Seen {
  /** When it had arrived, in milliseconds of `performance.now()`. */
  readonly at: number;
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Answer = (seen: Seen, response: ServerResponse) => void;

/** A service behind the router: says that it is ready, remembers what it was asked, answers as told. */
export class FakeService {
  readonly seen: Seen[] = [];
  readonly sockets = new Set<Socket>();
  /** Those of `sockets` that asked for an upgrade; the router's probes come and go among the others. */
  readonly upgraded = new Set<Duplex>();
  answer: Answer = (seen, response) => envelope(response, { servedBy: this.name, body: seen.body });
  ready = true;
  /** Whose what is, by `kind/id`, when another region's router asks; and what was asked. */
  readonly owners = new Map<string, { readonly domain: string; readonly strict: boolean }>();
  readonly askedOwners: string[] = [];

  private constructor(
    readonly name: string,
    readonly server: Server,
  ) {}

  static async start(name: string, port = 0): Promise<FakeService> {
    const server = createServer();
    const service = new FakeService(name, server);
    server.on('request', (request, response) => void service.take(request, response));
    server.on('connection', (socket: Socket) => {
      service.sockets.add(socket);
      socket.on('close', () => service.sockets.delete(socket));
    });
    server.on('upgrade', (_request, socket) => {
      service.upgraded.add(socket);
      socket.on('close', () => service.upgraded.delete(socket));
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return service;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Dies: connections are reset, the port refuses. */
  async kill(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.resetAndDestroy();
    await closed;
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/health/ready') {
      response.writeHead(this.ready ? 200 : 503, { 'content-type': 'application/json' });
      return void response.end(JSON.stringify({ status: this.ready ? 'ready' : 'draining', replica: this.name }));
    }
    if (request.url?.startsWith('/internal/owners/')) {
      const asked = request.url.slice('/internal/owners/'.length);
      this.askedOwners.push(asked);
      const answer = JSON.stringify({ answer: this.owners.get(asked) ?? null });
      return void response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
    }
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    } catch {
      return; // the router hung up; there is nobody to answer
    }
    const { method = '', url = '', rawHeaders, headers } = request;
    const body = Buffer.concat(chunks).toString();
    const seen = { at: performance.now(), method, target: url, rawHeaders, headers, body };
    this.seen.push(seen);
    this.answer(seen, response);
  }
}

/** Gives a fake service WebSockets that greet with its name and echo. */
export function withEcho(service: FakeService): { readonly clients: Set<WebSocket> } {
  const sockets = new WebSocketServer({ server: service.server });
  sockets.on('connection', (socket, request) => {
    socket.send(JSON.stringify({ replica: service.name, target: request.url, headers: request.headers }));
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    // What is no WebSocket frame ends the socket, not the test.
    socket.on('error', () => undefined);
  });
  return sockets;
}

export function envelope(response: ServerResponse, data: unknown): void {
  const bytes = Buffer.from(JSON.stringify({ isError: false, errMsg: null, data }));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length }).end(bytes);
}

/** Writes raw bytes, answers what came back until the other side closed, or cut the line behind its answer. */
export function exchange(port: number, text: string | Buffer, options: { end?: boolean } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const failed = (error: Error) => (received === '' ? reject(error) : resolve(received));
    const socket = connect(port, '127.0.0.1', () => {
      if (options.end) socket.end(text);
      else socket.write(text);
    });
    socket.on('data', (chunk) => (received += chunk.toString()));
    socket.on('close', () => resolve(received)).on('error', failed);
  });
}
