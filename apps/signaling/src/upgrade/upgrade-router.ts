import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Takes over a connection that asked for an upgrade on the mount's path. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const REFUSALS = {
  404: 'Not Found',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
} as const;

/**
 * The only listener of the server's `upgrade` event: one path, one mount. Several listeners would destroy or answer
 * each other's connections.
 */
export class UpgradeRouter {
  private readonly mounts = new Map<string, UpgradeHandler>();
  private draining = false;
  private admits: (request: IncomingMessage, path: string) => boolean = () => true;
  private readonly headerLines: string;

  /** @param headers sent with refusals */
  constructor(headers: Readonly<Record<string, string>> = {}) {
    this.headerLines = Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
  }

  /** @param path exact path; a slash at the end is another one */
  mount(path: string, handler: UpgradeHandler): void {
    if (this.mounts.has(path)) throw new Error(`two mounts for ${path}`);
    this.mounts.set(path, handler);
  }

  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => this.route(request, socket, head));
  }

  /** From now on those are sent away with 429 for whom `admits` is false. */
  limit(admits: (request: IncomingMessage, path: string) => boolean): void {
    this.admits = admits;
  }

  /** From now on everybody is sent away with 503. */
  drain(): void {
    this.draining = true;
  }

  private route(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A peer that goes away while it is refused must not end the process.
    socket.on('error', () => socket.destroy());
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const handler = this.mounts.get(path);
    if (handler === undefined) return this.refuse(socket, 404);
    if (this.draining) return this.refuse(socket, 503);
    if (!this.admits(request, path)) return this.refuse(socket, 429);
    handler(request, socket, head);
  }

  private refuse(socket: Duplex, status: keyof typeof REFUSALS): void {
    const reason = REFUSALS[status];
    socket.end(
      `HTTP/1.1 ${status} ${reason}\r\n${this.headerLines}Connection: close\r\n` +
        `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${reason.length}\r\n` +
        `Date: ${new Date().toUTCString()}\r\n\r\n${reason}`,
    );
  }
}
