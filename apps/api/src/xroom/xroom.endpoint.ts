import { type AccountId, DomainError, isDomainError } from '@parley/domain';
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
  type XroomCommand,
} from '@parley/protocol-xroom';
import type { UnknownErrorReporter } from '@parley/server-kit';
import type { HomeCheck } from '../home/home-check';
import type { XroomAuthenticator } from './authenticator';
import type { XroomExecutor } from './executor';

/** What `wrong_region` is answered with. */
const MISDIRECTED = 421;

/** Everything below `/api`: whatever happens, the answer is an envelope. */
export class XroomEndpoint {
  constructor(
    private readonly authenticator: XroomAuthenticator,
    private readonly executor: XroomExecutor,
    private readonly errors: Pick<UnknownErrorReporter, 'report'>,
    private readonly homes: Pick<HomeCheck, 'moved'>,
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
    const answer = await this.execute(caller.account, command.value, request).catch((error: unknown) =>
      this.answerError(error),
    );
    // Nothing was done: whoever asks the same again, as fetch does by itself, is told the same again.
    if (answer.status === MISDIRECTED) await this.authenticator.giveBack(request.headers);
    return answer;
  }

  private async execute(account: AccountId, command: XroomCommand, request: RawRequest): Promise<HttpAnswer> {
    // Only these two name no domain that could be looked at.
    if (command.kind === 'remove-webhook' || command.kind === 'validate-webhook') {
      const moved = await this.homes.moved('webhook', String(command.id), { ...request, target: request.path });
      if (moved !== null) {
        const refusal = answerDomainError(new DomainError('wrong_region', 'Its domain has moved to another region.'));
        return { ...refusal, headers: { ...refusal.headers, ...moved.headers } };
      }
    }
    return { status: 200, headers: {}, body: successEnvelope(await this.executor.execute(account, command)) };
  }
}
