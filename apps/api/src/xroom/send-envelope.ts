import type { Socket } from 'node:net';
import { answerHttpStatus, type HttpAnswer } from '@parley/protocol-xroom';
import type { FastifyReply, FastifyRequest } from 'fastify';

const HEADERS = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' } as const;

/** Writes an answer. */
export function sendEnvelope(reply: FastifyReply, answer: HttpAnswer): void {
  void reply
    .code(answer.status)
    .headers({ ...HEADERS, ...answer.headers })
    .send(JSON.stringify(answer.body));
}

/** Whether a path belongs to the xroom API, whose every outcome is an envelope. */
export function isBelowApi(path: string): boolean {
  return path === '/api' || path.startsWith('/api/');
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};
const STATUS_OF_ERROR: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/**
 * Answers bytes that are no HTTP request. A body longer than its Content-Length leaves some: the public node wrapper counts
 * characters, and crashes on the empty 400 that Node would send.
 */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = STATUS_OF_ERROR[error.code ?? ''] ?? 400;
  const body = JSON.stringify(answerHttpStatus(status).body);
  const head = [`HTTP/1.1 ${status} ${STATUS_TEXTS[status]}`, `content-type: ${HEADERS['content-type']}`];
  head.push(`content-length: ${Buffer.byteLength(body)}`, 'connection: close');
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}

/** Answers request targets that cannot be decoded, such as `/api/%zz`: those never reach a route or a filter. */
export function answerImpossiblePath(_error: Error, _request: FastifyRequest, reply: FastifyReply): void {
  sendEnvelope(reply, answerHttpStatus(400));
}
