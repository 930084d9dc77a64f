import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

type Json = Record<string, unknown>;

/** A region that plays its part as a test tells it: REST and sockets on one port. */
export class FakeParley {
  /** What it was asked over REST: `POST /join`. */
  readonly calls: string[] = [];
  /** The hellos it heard. */
  readonly hellos: Json[] = [];
  readonly sockets = new Set<WebSocket>();
  answerRest: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => {
    sendJson(response, 200, this.joinAnswer());
  };
  /** Answers a frame; undefined: nothing. */
  answerFrame: (frame: Json, socket: WebSocket) => Json | undefined = (frame) => this.usual(frame);
  private readonly wss: WebSocketServer;

  private constructor(
    readonly name: string,
    private readonly server: Server,
  ) {
    this.wss = new WebSocketServer({ server });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.calls.push(`${request.method} ${request.url}`);
      this.answerRest(request, response);
    });
    this.wss.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      // The client sends text alone.
      socket.on('message', (data: Buffer) => this.take(JSON.parse(data.toString()) as Json, socket));
    });
  }

  static async start(name: string): Promise<FakeParley> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakeParley(name, server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get socketUrl(): string {
    return `${this.url.replace('http', 'ws')}/spreed`;
  }

  /** What it says to whoever is there. */
  tell(frame: Json): void {
    for (const socket of this.sockets) socket.send(JSON.stringify(frame));
  }

  /** Its connections break as when the process dies. */
  cut(): void {
    for (const socket of this.sockets) socket.terminate();
  }

  joinAnswer(): Json {
    const { url, socketUrl } = this;
    const ticket = `ticket of ${this.name} ${this.calls.length}`;
    return {
      ticket,
      authUrl: `${url}/join`,
      signalingUrl: socketUrl,
      iceServers: [],
      roomId: 'a.test/lobby',
      peerType: 2,
    };
  }

  /** What a gateway answers when all is well. */
  usual(frame: Json): Json | undefined {
    if (frame.type === 'hello') {
      const hello = { sessionid: `${this.name}-${this.hellos.length}`, resumeid: `resume-${this.name}` };
      return { id: frame.id, type: 'hello', hello };
    }
    return frame.type === 'room' ? { id: frame.id, type: 'room', room: frame.room } : undefined;
  }

  async close(): Promise<void> {
    this.cut();
    this.wss.close();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private take(frame: Json, socket: WebSocket): void {
    if (frame.type === 'hello') this.hellos.push(frame.hello as Json);
    const answer = this.answerFrame(frame, socket);
    if (answer !== undefined) socket.send(JSON.stringify(answer));
  }
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
