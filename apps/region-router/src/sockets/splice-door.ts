import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ClientAddresses, Logger } from '@parley/server-kit';
import { replaced, tooManyHeaders } from '../proxy/headers';
import { forwardedBy, forwardedHeaders } from '../proxy/passage';
import type { Replica, ReplicaGroup } from '../proxy/replicas';
import { routeOf } from '../routing/paths';
import { replicasFor } from './find-replica';

const CONNECT_TIMEOUT_MS = 1_000;

/**
 * The front door for sockets: joins a client's connection with one to a signaling replica of this region, byte by byte.
 * Who sits on which replica is decided once, when the connection is made; when either end goes, so does the other.
 */
export class SpliceDoor {
  private readonly open = new Set<() => void>();
  private emptied: (() => void) | undefined;

  constructor(
    private readonly group: ReplicaGroup,
    private readonly clients: ClientAddresses,
    private readonly logger: Logger,
    private readonly gauge: { inc(): void; dec(): void },
    private readonly connectMs = CONNECT_TIMEOUT_MS,
  ) {}

  /** How many connections are joined. */
  get count(): number {
    return this.open.size;
  }

  /** Takes over a connection that asked for an upgrade. Never throws. */
  async handle(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    try {
      await this.join(request, socket, head);
    } catch (error) {
      this.logger.error({ err: error }, 'a socket could not be joined');
      socket.destroy();
    }
  }

  /** Waits until all connections have ended by themselves, at most `ms`, then ends the rest. */
  async drain(ms: number): Promise<void> {
    if (this.open.size > 0 && ms > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.emptied = resolve;
        timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
    }
    for (const end of [...this.open]) end();
  }

  private async join(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const target = request.url ?? '/';
    if (tooManyHeaders(request.rawHeaders)) return refuseSocket(socket, '431 Request Header Fields Too Large');
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') return refuseSocket(socket, '426 Upgrade Required');
    if (routeOf('GET', target).kind === 'closed') return refuseSocket(socket, '404 Not Found');
    const candidates = await replicasFor(target, this.group);
    if (candidates.length === 0) return refuseSocket(socket, '400 Bad Request');
    for (const replica of candidates) {
      if (socket.destroyed) return;
      const done = this.group.begin(replica);
      const upstream = await reach(replica, this.connectMs);
      if (upstream !== undefined) {
        upstream.write(this.replay(request), 'latin1');
        if (head.length > 0) upstream.write(head);
        this.group.placed(replica);
        return this.splice(socket, upstream, done);
      }
      done();
      this.group.markDown(replica);
    }
    refuseSocket(socket, '503 Service Unavailable', 'Retry-After: 2\r\n');
  }

  /** The request's head as it came, but for who the client is. */
  private replay(request: IncomingMessage): string {
    const forwarded = forwardedHeaders(forwardedBy(request, this.clients));
    const headers = replaced(request.rawHeaders, forwarded);
    let text = `${request.method} ${request.url} HTTP/1.1\r\n`;
    for (let at = 0; at + 1 < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`;
    return `${text}\r\n`;
  }

  private splice(socket: Duplex, upstream: Socket, done: () => void): void {
    const end = () => {
      if (!this.open.delete(end)) return;
      this.gauge.dec();
      socket.destroy();
      upstream.destroy();
      done();
      if (this.open.size === 0) this.emptied?.();
    };
    this.open.add(end);
    this.gauge.inc();
    upstream.on('error', end).on('close', end);
    socket.on('close', end);
    if (socket.destroyed) return end();
    // Pipes carry a half-close over and stop reading from a side whose other side is slow.
    socket.pipe(upstream).pipe(socket);
  }
}

function reach(replica: Replica, connectMs: number): Promise<Socket | undefined> {
  const { hostname, port, protocol } = new URL(replica.url);
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || (protocol === 'https:' ? 443 : 80)),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    });
    const giveUp = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(undefined);
    };
    const timer = setTimeout(giveUp, connectMs);
    socket.once('error', giveUp).once('connect', () => {
      clearTimeout(timer);
      socket.off('error', giveUp);
      resolve(socket);
    });
  });
}

function refuseSocket(socket: Duplex, status: string, headers = ''): void {
  socket.end(`HTTP/1.1 ${status}\r\n${headers}Connection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}
