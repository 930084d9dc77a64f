import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { UnknownErrorReporter } from '@parley/server-kit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Answers with JSON, as this protocol's servers write it: with a line end. */
export function sendJson(reply: FastifyReply, value: object): void {
  void reply
    .header('content-type', 'application/json; charset=utf-8')
    .header('x-content-type-options', 'nosniff')
    .send(`${JSON.stringify(value)}\n`);
}

/** Answers with a line of text; refusals of this protocol are no JSON. */
export function sendText(reply: FastifyReply, status: number, text: string): void {
  void reply
    .status(status)
    .header('content-type', 'text/plain; charset=utf-8')
    .header('x-content-type-options', 'nosniff')
    .send(`${text}\n`);
}

/** What Nest would answer with JSON of its own is answered in plain text. */
@Catch()
export class PlainRefusals implements ExceptionFilter {
  constructor(private readonly errors: Pick<UnknownErrorReporter, 'report'>) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const status = error instanceof HttpException ? error.getStatus() : statusOf(error);
    if (status >= 500) this.errors.report(error, { during: 'http' });
    sendText(reply, status, TEXTS[status] ?? 'Refused');
  }
}

const TEXTS: Readonly<Record<number, string>> = {
  400: 'Bad request',
  404: '404 page not found',
  405: 'Method not allowed',
  413: 'Request entity too large',
  500: 'Something went wrong here',
};

/** Fastify's own refusals carry a status. */
function statusOf(error: unknown): number {
  const status: unknown = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500;
}

/** Paths that can only be read. `POST` paths are not found under other methods (observed on the usual server). */
const READ_ONLY = new Set(['/api/v1/welcome', '/api/v1/stats', '/api/v1/serverinfo', '/metrics', '/turn/credentials']);

/** Refuses other methods on paths that can only be read, and plain requests to where sockets are opened. */
export function refuseWrongMethods(fastify: FastifyInstance, socketPath: string): void {
  fastify.addHook('onRequest', (request: FastifyRequest, reply, done) => {
    const path = (request.raw.url ?? '').split('?', 1)[0] ?? '';
    if (path === socketPath) return sendText(reply, 400, 'Bad request');
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (READ_ONLY.has(path) && !reads) return sendText(reply, 405, 'Method not allowed');
    done();
  });
}
