import type { RawRequest } from '@parley/protocol-xroom';
import type { ClientAddresses } from '@parley/server-kit';
import type { FastifyRequest } from 'fastify';

/** The request as it arrived: the body parser hands bytes through, whatever their Content-Type. */
export function rawRequest(request: FastifyRequest): RawRequest {
  return { method: request.method, path: pathOf(request), headers: request.headers, body: bodyOf(request) };
}

/** The address of whoever asks, as far as proxies of ours tell. */
export function callerOf({ raw, headers }: FastifyRequest, clients: ClientAddresses): string {
  const header = headers['x-forwarded-for'];
  return clients.clientOf(raw.socket.remoteAddress, Array.isArray(header) ? header.join(',') : header);
}

/** The path of the request target as sent, without the query. */
export function pathOf(request: { readonly originalUrl?: string; readonly url?: string }): string {
  return (request.originalUrl ?? request.url ?? '').split('?', 1)[0] ?? '';
}

/** The body's bytes; empty when there is none. */
export function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}
