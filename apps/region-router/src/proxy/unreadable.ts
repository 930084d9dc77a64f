import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { errorEnvelope } from '@parley/protocol-xroom';
import { refuse } from './answer';

/** Statuses of what Node's parser and clock refuse; anything else is 400. */
const STATUSES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/**
 * Answers bytes that never became a request. Nobody knows which protocol they were meant for, so the body is both at
 * once: an xroom envelope and an RFC 9457 problem.
 */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status = STATUSES[error.code ?? ''] ?? '400 Bad Request';
  const [code = '400', ...title] = status.split(' ');
  const problem = { type: 'about:blank', title: title.join(' '), status: Number(code), code: 'unreadable' };
  const body = JSON.stringify({ ...errorEnvelope('The request is not readable.'), ...problem });
  const head = `HTTP/1.1 ${status}\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\n`;
  socket.end(`${head}Connection: close\r\n\r\n${body}`, () => socket.destroy());
}

/** Answers a path that cannot be decoded, in the form of the protocol it seems to belong to. */
export function answerImpossiblePath(
  _error: unknown,
  request: { readonly raw: IncomingMessage },
  reply: { hijack(): unknown; readonly raw: ServerResponse },
): void {
  reply.hijack();
  const message = 'The path cannot be read.';
  // A path that cannot be decoded still begins with what it is below.
  const place = (request.raw.url ?? '/').split('%', 1)[0] ?? '/';
  refuse(reply.raw, place, { status: 400, code: 'unreadable', message, hangUp: true });
}
