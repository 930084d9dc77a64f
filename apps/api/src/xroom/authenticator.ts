import { createHash } from 'node:crypto';
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
import { CallThrottle, type ThrottleLimits } from './call-throttle';

/** What limits an account's calls. */
export interface CallLimits extends ThrottleLimits {
  readonly rememberedNonces: number;
}

export type Authenticated = { readonly account: AccountId } | { readonly refusal: HttpAnswer };

/**
 * Lets an account in: version and headers, then account and key, then the one-time `x-random`. Only a call whose key is
 * right uses up anything of the account's. An address that sends wrong ones is soon not looked up any more.
 */
export class XroomAuthenticator {
  private readonly throttle: CallThrottle;

  constructor(
    private readonly tenancy: Pick<TenancyStore, 'accountByAuthId'>,
    private readonly guards: Pick<LiveGuards, 'once' | 'forget' | 'hit' | 'hits'>,
    private readonly clock: Clock,
    private readonly limits: CallLimits,
  ) {
    this.throttle = new CallThrottle(guards, limits);
  }

  /**
   * @param address who calls
   * @throws DomainError replayed_request, rate_limited, unavailable
   */
  async authenticate(request: RawRequest, address: string): Promise<Authenticated> {
    const credentials = readCredentials(request.headers);
    if (!credentials.ok) return { refusal: answerAuthRefusal(credentials.error) };
    await this.throttle.assertFewFailures(address);
    const account = await this.tenancy.accountByAuthId(credentials.value.authId);
    const verified = this.verify(credentials.value, account, request);
    if (!verified.ok || account === null) {
      await this.throttle.noteFailure(address);
      return { refusal: answerAuthRefusal(verified.ok ? NOBODY : verified.error) };
    }
    await this.throttle.countCall(account.id);
    await this.useUp(credentials.value, verified.value.nonceTtlMs);
    return { account: account.id };
  }

  /**
   * Takes the one-time `x-random` of a call back that was let in and then sent elsewhere with nothing done: `fetch` sends
   * what was answered 421 once more by itself, and is to hear the same again. Never rejects: while Redis is away it hears
   * that the text was used.
   */
  async giveBack(headers: RawRequest['headers']): Promise<void> {
    const credentials = readCredentials(headers);
    if (!credentials.ok) return;
    const { authId, random } = credentials.value;
    await this.guards.forget(noncesOf(authId), digestOf(random)).catch(() => undefined);
  }

  private verify(credentials: Credentials, account: Account | null, request: RawRequest) {
    const now = this.clock.now();
    const verified = verifyCredentials(credentials, account, request, now);
    // While a rotation is on its way through the account's regions the new secret counts, too.
    if (verified.ok || account?.nextSecret === undefined) return verified;
    return verifyCredentials(credentials, { ...account, secret: account.nextSecret }, request, now);
  }

  private async useUp({ authId, random }: Credentials, ttlMs: number): Promise<void> {
    const fresh = await this.guards.once(noncesOf(authId), digestOf(random), ttlMs, this.limits.rememberedNonces);
    if (fresh === 'full') {
      throw new DomainError(
        'rate_limited',
        'Too many x-random values of this account are remembered; try again later.',
      );
    }
    if (!fresh) throw new DomainError('replayed_request', 'This x-random was used before.');
  }
}

const noncesOf = (authId: string) => `nonce:${authId}`;

/** What is remembered of an `x-random`: always 22 characters, where the text itself may be twelve times as long. */
function digestOf(random: string): string {
  return createHash('sha256').update(random).digest().subarray(0, 16).toString('base64url');
}

const NOBODY = { code: 'unauthenticated', message: 'The auth id, key or signature is wrong.' } as const;
