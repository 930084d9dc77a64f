import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { EventLoopLag } from './event-loop-lag';

/** The longest a timer of Node may be set for, in milliseconds. */
const NEVER_MS = 2_147_483_647;

type Labels<Name extends string> = { readonly help: string; readonly labels?: readonly Name[] };

/** The metrics of one application instance; two instances in one process do not meet. Labels have to be bounded. */
export class Metrics {
  readonly registry = new Registry();
  private readonly lag: EventLoopLag;
  private server: Server | undefined;

  constructor(service: string) {
    this.registry.setDefaultLabels({ service });
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: NEVER_MS });
    this.lag = new EventLoopLag(this.registry);
  }

  counter<Name extends string = never>(name: string, { help, labels = [] }: Labels<Name>): Counter<Name> {
    return new Counter({ name, help, labelNames: [...labels], registers: [this.registry] });
  }

  gauge<Name extends string = never>(name: string, { help, labels = [] }: Labels<Name>): Gauge<Name> {
    return new Gauge({ name, help, labelNames: [...labels], registers: [this.registry] });
  }

  histogram<Name extends string = never>(
    name: string,
    { help, labels = [], buckets }: Labels<Name> & { readonly buckets?: number[] },
  ): Histogram<Name> {
    const given = buckets === undefined ? {} : { buckets };
    return new Histogram({ name, help, labelNames: [...labels], ...given, registers: [this.registry] });
  }

  /** Serves `GET /metrics` on a port of its own, so that no front door can show it to the world. Answers the port. */
  async listen(port: number, host: string): Promise<number> {
    const server = createServer((request, response) => {
      if (request.url !== '/metrics') return void response.writeHead(404).end();
      this.registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': this.registry.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    });
    this.server = server;
    server.listen(port, host);
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  async close(): Promise<void> {
    this.registry.clear();
    this.lag.close();
    const { server } = this;
    if (server === undefined) return;
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }
}
