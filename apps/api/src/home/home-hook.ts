import { DomainError, isDomainError } from '@parley/domain';
import { answerDomainError } from '@parley/protocol-xroom';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorFilter } from '../http/error.filter';
import { problemOf, sendProblem } from '../http/problems';
import { pathOf } from '../http/raw-request';
import { isBelowApi, sendEnvelope } from '../xroom/send-envelope';
import type { HomeCheck, HomeRefusal } from './home-check';

const MESSAGES: Record<HomeRefusal, string> = {
  not_home: 'The domain is not at home in this region.',
  wrong_epoch: 'The domain has moved since; ask the directory where it is.',
  moved: 'Its domain has moved to another region.',
};

/** A Fastify hook that answers 421, before anything of a call is looked at, when a router took the wrong way. */
export function homeHook(check: HomeCheck, filter: ErrorFilter) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    try {
      const { method, originalUrl: target, headers } = request;
      const refusal = await check.refusalOf({ method, target, headers });
      if (refusal === null) return;
      void reply.headers(refusal.headers);
      answer(request, reply, new DomainError('wrong_region', MESSAGES[refusal.why]));
    } catch (error) {
      if (isDomainError(error)) answer(request, reply, error);
      else filter.answer(error, request, reply);
    }
  };
}

function answer(request: FastifyRequest, reply: FastifyReply, error: DomainError): void {
  if (isBelowApi(pathOf(request))) sendEnvelope(reply, answerDomainError(error));
  else sendProblem(reply, problemOf(error));
}
