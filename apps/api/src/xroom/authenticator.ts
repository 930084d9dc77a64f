import { type Account, type AccountId, type Clock, DomainError, type TenancyStore } from '@parley/domain';
import type { LiveGuards } from '@parley/live';
import {
  answerAuthRefusal,
  type Credentials,
  type HttpAnswer,
  type RawRequest,
  readCredentials,
  verifyCredentials,
} from '@parley/protocol-xroom';

/** What limits an account's calls. */
export interface CallLimits {
  readonly callsPerMinute: number;
  readonly rememberedNonces: number;
}

export type Authenticated = { readonly account: AccountId } | { readonly refusal: HttpAnswer };

const MINUTE_MS = 60_000;

/**
 * Lets an account in: version and headers, then account and key, then the one-time `x-random`. Only a call whose key is
 * right uses up anything of the account's.
 */
export class XroomAuthenticator {
  constructor(
    private readonly tenancy: Pick<TenancyStore, 'accountByAuthId'>,
    private readonly guards: Pick<LiveGuards, 'once' | 'hit'>,
    private readonly clock: Clock,
    private readonly limits: CallLimits,
  ) {}

  /** @throws DomainError replayed_request, rate_limited, unavailable */
  async authenticate(request: RawRequest): Promise<Authenticated> {
    const credentials = readCredentials(request.headers);
    if (!credentials.ok) return { refusal: answerAuthRefusal(credentials.error) };
    const account = await this.tenancy.accountByAuthId(credentials.value.authId);
    const verified = verifyCredentials(credentials.value, account, request, this.clock.now());
    if (!verified.ok || account === null) {
      return { refusal: answerAuthRefusal(verified.ok ? NOBODY : verified.error) };
    }
    await this.countCall(account);
    await this.useUp(credentials.value, verified.value.nonceTtlMs);
    return { account: account.id };
  }

  private async countCall(account: Account): Promise<void> {
    const { count, resetsInMs } = await this.guards.hit(`api:calls:${account.id}`, MINUTE_MS);
    if (count <= this.limits.callsPerMinute) return;
    throw new DomainError('rate_limited', 'The account makes too many calls; try again later.', {
      retryAfterSeconds: Math.ceil(resetsInMs / 1_000),
    });
  }

  private async useUp({ authId, random }: Credentials, ttlMs: number): Promise<void> {
    const fresh = await this.guards.once(`nonce:${authId}`, random, ttlMs, this.limits.rememberedNonces);
    if (fresh === 'full') {
      throw new DomainError(
        'rate_limited',
        'Too many x-random values of this account are remembered; try again later.',
      );
    }
    if (!fresh) throw new DomainError('replayed_request', 'This x-random was used before.');
  }
}

const NOBODY = { code: 'unauthenticated', message: 'The auth id, key or signature is wrong.' } as const;
