import type { CanActivate, ExecutionContext, Type } from '@nestjs/common';
import { type AccountId, DomainError } from '@parley/domain';
import { ClientAddresses } from '@parley/server-kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerOf, rawRequest } from '../http/raw-request';
import type { AccountAuthenticator, Caller } from './account-authenticator';

/** Requests that passed {@link AccountGuard}. */
export interface AccountRequest extends FastifyRequest {
  caller?: Caller;
}

/** Lets accounts into every controller but the open ones, so that a new one cannot be forgotten. */
export class AccountGuard implements CanActivate {
  /** @param open controllers that look after themselves */
  constructor(
    private readonly authenticator: AccountAuthenticator,
    private readonly clients: ClientAddresses,
    private readonly open: ReadonlySet<Type>,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.open.has(context.getClass())) return true;
    const http = context.switchToHttp();
    const request = http.getRequest<AccountRequest>();
    // Answers hold secrets, or what is another moment later.
    void http.getResponse<FastifyReply>().header('cache-control', 'no-store');
    const signed = { ...rawRequest(request), path: request.originalUrl };
    request.caller = await this.authenticator.authenticate(signed, callerOf(request, this.clients));
    return true;
  }
}

/** A Fastify hook: a signed call that was sent elsewhere with nothing done has not used its `x-random` up. */
export function giveBackHook(authenticator: Pick<AccountAuthenticator, 'giveBack'>) {
  return async (request: AccountRequest, reply: FastifyReply): Promise<void> => {
    if (reply.statusCode !== 421 || request.caller?.by !== 'signature') return;
    await authenticator.giveBack(request.headers);
  };
}

/** Whose call this is. */
export function accountOf(request: AccountRequest): AccountId {
  if (request.caller === undefined) throw new Error('the request has not passed the guard');
  return request.caller.account;
}

/**
 * Whose call this is, when it is signed with the account's secret.
 * @throws DomainError not_allowed for a bearer key: one that leaked must not make others
 */
export function signedAccountOf(request: AccountRequest): AccountId {
  const account = accountOf(request);
  if (request.caller?.by === 'signature') return account;
  throw new DomainError('not_allowed', "Keys are managed by calls that are signed with the account's secret.");
}
