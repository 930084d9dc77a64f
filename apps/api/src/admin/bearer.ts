import { type CanActivate, type ExecutionContext } from '@nestjs/common';
import { DomainError } from '@parley/domain';
import type { AdminStore } from '@parley/persistence';
import type { FastifyRequest } from 'fastify';

/** Requests that passed {@link BearerGuard}, with the name of the operator's key. */
export interface OperatorRequest extends FastifyRequest {
  operator?: string;
}

/** Lets in who shows a valid key. Keys are looked up by their hash, so no comparison tells how near a guess came. */
export class BearerGuard implements CanActivate {
  constructor(private readonly keys: Pick<AdminStore['keys'], 'verify'>) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<OperatorRequest>();
    const key = /^Bearer ([\x21-\x7e]{16,512})$/i.exec(request.headers.authorization ?? '')?.[1];
    const record = key === undefined ? null : await this.keys.verify(key);
    if (record === null) throw new DomainError('unauthenticated', 'Send a valid operator key as bearer token.');
    request.operator = record.name;
    return true;
  }
}

/** Who the audit log is to name. */
export function operatorOf(request: OperatorRequest): string {
  if (request.operator === undefined) throw new Error('the request has not passed the guard');
  return request.operator;
}
