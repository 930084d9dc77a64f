import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { challengeAnswer } from '@parley/domain';
import { nowMs } from '../clock';
import type { Arrival } from './orders';

export interface EndpointOptions {
  readonly number: number;
  readonly webhookKey: string;
  readonly answerAfterMs: number;
  readonly arrived: (arrival: Arrival) => void;
}

/** A receiver on a port of its own. Proves itself when asked to, and answers all else with 204 after its time. */
export class Endpoint {
  private hangMs = 0;
  private readonly held = new Map<() => void, NodeJS.Timeout>();

  private constructor(
    server: Server,
    private readonly options: EndpointOptions,
    readonly url: string,
  ) {
    server.on('request', (request, response) => {
      this.handle(request, response).catch(() => response.destroy());
    });
  }

  static async open(options: EndpointOptions): Promise<Endpoint> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo; // it listens on a port
    return new Endpoint(server, options, `http://127.0.0.1:${port}/hook`);
  }

  /** @param forMs 0: not any more, also what is held now */
  hang(forMs: number): void {
    this.hangMs = forMs;
    if (forMs > 0) return;
    for (const [answer, timer] of this.held) {
      clearTimeout(timer);
      answer();
    }
    this.held.clear();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const eventId = request.headers['x-parley-event-id'];
    if (typeof eventId !== 'string') return this.prove(Buffer.concat(chunks).toString('utf8'), response);
    this.later(() => {
      if (response.destroyed) return;
      response.writeHead(204).end();
      const deliveryId = String(request.headers['webhook-id']);
      this.options.arrived({ endpoint: this.options.number, eventId, deliveryId, atMs: nowMs() });
    });
  }

  /** The handshake of the xroom manual. */
  private prove(body: string, response: ServerResponse): void {
    const { event, signThis } = JSON.parse(body) as { event?: string; signThis?: string };
    if (event !== 'validation' || signThis === undefined) return void response.writeHead(400).end();
    response.end(challengeAnswer(this.options.webhookKey, signThis));
  }

  private later(answer: () => void): void {
    const afterMs = this.hangMs || this.options.answerAfterMs;
    if (afterMs === 0) return answer();
    const timer = setTimeout(() => {
      this.held.delete(answer);
      answer();
    }, afterMs);
    if (this.hangMs > 0) this.held.set(answer, timer);
  }
}
