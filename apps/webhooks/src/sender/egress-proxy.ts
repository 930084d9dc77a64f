import { request as httpRequest, type IncomingMessage } from 'node:http';
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

/**
 * The way out through a forward proxy, by CONNECT (RFC 9110, section 9.3.6) to addresses that were checked before: the proxy
 * resolves no names, so no name server can lead it elsewhere.
 * @param proxyUrl `http://` or `https://`, with user and password if it wants them
 * @throws EgressProxyError when there is no connection to the receiver because of the proxy
 */
export function egressTunnel(proxyUrl: string, timeoutMs: number): Tunnel {
  const { protocol, hostname, port, username, password } = new URL(proxyUrl);
  const request = protocol === 'https:' ? httpsRequest : httpRequest;
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const headers = username === '' ? {} : { 'proxy-authorization': `Basic ${login}` };
  return (address, targetPort) => {
    const path = `${isIPv6(address) ? `[${address}]` : address}:${targetPort}`;
    return new Promise((resolve, reject) => {
      const fail = (error: EgressProxyError): void => {
        asking.destroy();
        reject(error);
      };
      const asking = request({
        method: 'CONNECT',
        host: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
        path,
        headers: { ...headers, host: path },
        agent: false,
        timeout: timeoutMs,
      });
      asking.once('connect', (answer: IncomingMessage, socket: Socket, head: Buffer) => {
        const status = answer.statusCode ?? 0;
        if (status < 200 || status > 299) {
          socket.destroy();
          return fail(new EgressProxyError(`The egress proxy answered ${status}.`));
        }
        socket.setTimeout(0);
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      // Whatever else it answers to CONNECT, it is no tunnel.
      asking.once('response', ({ statusCode }) => {
        fail(new EgressProxyError(`The egress proxy answered ${statusCode ?? 0}.`));
      });
      asking.once('timeout', () => fail(new EgressProxyError('The egress proxy did not answer in time.')));
      asking.once('error', (error) => fail(new EgressProxyError('The egress proxy cannot be reached.', error)));
      asking.end();
    });
  };
}
