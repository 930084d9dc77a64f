import { isDomainError } from '@parley/domain';
import {
  answerDomainError,
  answerHttpStatus,
  answerWireError,
  decodeRequest,
  type HttpAnswer,
  isCollection,
  type RawRequest,
  successEnvelope,
  toDomain,
} from '@parley/protocol-xroom';
import type { UnknownErrorReporter } from '@parley/server-kit';
import type { XroomAuthenticator } from './authenticator';
import type { XroomExecutor } from './executor';

/** Everything below `/api`: whatever happens, the answer is an envelope. */
export class XroomEndpoint {
  constructor(
    private readonly authenticator: XroomAuthenticator,
    private readonly executor: XroomExecutor,
    private readonly errors: Pick<UnknownErrorReporter, 'report'>,
  ) {}

  /**
   * Never throws.
   * @param address who calls
   */
  async handle(request: RawRequest, address: string): Promise<HttpAnswer> {
    try {
      return await this.answer(request, address);
    } catch (error) {
      return this.answerError(error);
    }
  }

  /** The answer to what a call, or the way to it, threw. */
  answerError(error: unknown): HttpAnswer {
    if (isDomainError(error)) return answerDomainError(error);
    return answerHttpStatus(500, this.errors.report(error, { edge: 'xroom' }));
  }

  private async answer(request: RawRequest, address: string): Promise<HttpAnswer> {
    const collection = /^\/api\/([^/]+)$/.exec(request.path)?.[1];
    if (collection === undefined || !isCollection(collection)) return answerHttpStatus(404);
    if (request.method !== 'POST') {
      const refusal = answerHttpStatus(405);
      return { ...refusal, headers: { ...refusal.headers, allow: 'POST' } };
    }
    const caller = await this.authenticator.authenticate(request, address);
    if ('refusal' in caller) return caller.refusal;
    const decoded = decodeRequest(collection, request.body);
    const command = decoded.ok ? toDomain(decoded.value) : decoded;
    if (!command.ok) return answerWireError(command.error);
    const data = await this.executor.execute(caller.account, command.value);
    return { status: 200, headers: {}, body: successEnvelope(data) };
  }
}
