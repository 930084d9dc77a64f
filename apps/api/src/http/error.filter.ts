import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { Problem } from '@parley/contracts';
import { isDomainError } from '@parley/domain';
import { answerHttpStatus } from '@parley/protocol-xroom';
import type { UnknownErrorReporter } from '@parley/server-kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isBelowApi, sendEnvelope } from '../xroom/send-envelope';
import { HttpRefusal, httpProblem, inputProblem, InvalidInput, problemOf, sendProblem } from './problems';
import { pathOf } from './raw-request';

/** Turns whatever was thrown into the answer of its edge: an envelope below `/api`, a problem anywhere else. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly errors: Pick<UnknownErrorReporter, 'report'>) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /** Answers what was thrown before a controller was reached. */
  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    if (reply.sent) return;
    if (isBelowApi(pathOf(request))) {
      const status = statusOf(error) ?? 500;
      sendEnvelope(reply, answerHttpStatus(status, status === 500 ? this.errors.report(error) : undefined));
    } else {
      sendProblem(reply, this.problem(error, request.method));
    }
  }

  private problem(error: unknown, method: string): Problem {
    if (isDomainError(error)) return problemOf(error);
    if (error instanceof InvalidInput) return inputProblem(error);
    if (error instanceof HttpRefusal) return httpProblem(error.code, error.detail);
    const code = CODES[statusOf(error) ?? 500];
    if (code === 'not_found') return httpProblem(code, `There is no ${method} at this address: see openapi.json.`);
    if (code !== undefined) return httpProblem(code);
    const status = statusOf(error);
    if (status !== undefined && status < 500) return inputProblem(new InvalidInput('The request is not readable.'));
    return { ...httpProblem('internal_error'), errorId: this.errors.report(error) };
  }
}

const CODES: Readonly<Record<number, Parameters<typeof httpProblem>[0]>> = {
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  413: 'body_too_large',
};

/** The status of what Nest and Fastify throw; undefined for anything else. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}
