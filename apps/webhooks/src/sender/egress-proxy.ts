import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIPv6, type Socket } from 'node:net';
import type { Tunnel } from '@parley/server-kit';

/** Our own proxy cannot be reached, failed or refused. The message names no address of a receiver. */
export class EgressProxyError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'EgressProxyError';
  }
}

/** The proxy works, and says that it cannot reach this receiver. */
export class BeyondProxyError extends Error {
  constructor() {
    super('The receiver cannot be reached.');
    this.name = 'BeyondProxyError';
  }
}

/** What proxies answer when they do not get through to where they are asked to go, and also when they have trouble of their own. */
const AMBIGUOUS = new Set([502, 503, 504]);
/** How many receivers that a proxy did not get through to are remembered. */
const REMEMBERED = 10_000;

/**
 * Whose fault it is. A failure is the proxy's own for as long as nothing speaks against it; when the proxy let others through
 * since it failed for this receiver last time, it is the receiver's.
 */
class Blame {
  private readonly failedAt = new Map<string, number>();
  private lastOpenedAt = -Infinity;

  opened(target: string): void {
    this.failedAt.delete(target);
    this.lastOpenedAt = performance.now();
  }

  failed(target: string, status: number): Error {
    const before = this.failedAt.get(target);
    this.failedAt.delete(target);
    this.failedAt.set(target, performance.now());
    const [oldest] = this.failedAt.keys();
    if (this.failedAt.size > REMEMBERED && oldest !== undefined) this.failedAt.delete(oldest);
    const isReceivers = AMBIGUOUS.has(status) && before !== undefined && this.lastOpenedAt > before;
    return isReceivers ? new BeyondProxyError() : new EgressProxyError(`The egress proxy answered ${status}.`);
  }
}

/**
 * The way out through a forward proxy, by CONNECT (RFC 9110, section 9.3.6) to addresses that were checked before: the proxy
 * resolves no names, so no name server can lead it elsewhere.
 * @param proxyUrl `http://` or `https://`, with user and password if it wants them
 * @throws EgressProxyError when there is no connection to the receiver because of the proxy
 * @throws BeyondProxyError when it is because of the receiver
 */
export function egressTunnel(proxyUrl: string, timeoutMs: number): Tunnel {
  const { protocol, hostname, port, username, password } = new URL(proxyUrl);
  const request = protocol === 'https:' ? httpsRequest : httpRequest;
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const headers = username === '' ? {} : { 'proxy-authorization': `Basic ${login}` };
  const blame = new Blame();
  return (address, targetPort) => {
    const target = `${isIPv6(address) ? `[${address}]` : address}:${targetPort}`;
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        asking.destroy();
        reject(error);
      };
      const asking = request({
        method: 'CONNECT',
        host: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
        path: target,
        headers: { ...headers, host: target },
        agent: false,
        timeout: timeoutMs,
      });
      asking.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
        if (statusCode < 200 || statusCode > 299) {
          socket.destroy();
          return fail(blame.failed(target, statusCode));
        }
        blame.opened(target);
        socket.setTimeout(0);
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      // Whatever else it answers to CONNECT, it is no tunnel.
      asking.once('response', ({ statusCode = 0 }) => fail(blame.failed(target, statusCode)));
      asking.once('timeout', () => fail(new EgressProxyError('The egress proxy did not answer in time.')));
      asking.once('error', (error) => fail(new EgressProxyError('The egress proxy cannot be reached.', error)));
      asking.end();
    });
  };
}
