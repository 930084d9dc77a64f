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
import { throttleKey } from '@parley/server-kit';

/** What limits an account's calls. */
export interface CallLimits {
  readonly callsPerMinute: number;
  readonly rememberedNonces: number;
  /** Calls with wrong credentials, by one address and minute. */
  readonly failuresPerMinute: number;
}

export type Authenticated = { readonly account: AccountId } | { readonly refusal: HttpAnswer };

const MINUTE_MS = 60_000;

/**
 * Lets an account in: version and headers, then account and key, then the one-time `x-random`. Only a call whose key is
 * right uses up anything of the account's. An address that sends wrong ones is soon not looked up any more.
 */
export class XroomAuthenticator {
  constructor(
    private readonly tenancy: Pick<TenancyStore, 'accountByAuthId'>,
    private readonly guards: Pick<LiveGuards, 'once' | 'hit' | 'hits'>,
    private readonly clock: Clock,
    private readonly limits: CallLimits,
  ) {}

  /**
   * @param address who calls
   * @throws DomainError replayed_request, rate_limited, unavailable
   */
  async authenticate(request: RawRequest, address: string): Promise<Authenticated> {
    const credentials = readCredentials(request.headers);
    if (!credentials.ok) return { refusal: answerAuthRefusal(credentials.error) };
    await this.assertFewFailures(address);
    const account = await this.tenancy.accountByAuthId(credentials.value.authId);
    const verified = verifyCredentials(credentials.value, account, request, this.clock.now());
    if (!verified.ok || account === null) {
      await this.guards.hit(failuresOf(address), MINUTE_MS);
      return { refusal: answerAuthRefusal(verified.ok ? NOBODY : verified.error) };
    }
    await this.countCall(account);
    await this.useUp(credentials.value, verified.value.nonceTtlMs);
    return { account: account.id };
  }

  private async assertFewFailures(address: string): Promise<void> {
    const { count, resetsInMs } = await this.guards.hits(failuresOf(address));
    if (count >= this.limits.failuresPerMinute) {
      throw tooMany('Too many calls with wrong credentials come from this address; try again later.', resetsInMs);
    }
  }

  private async countCall(account: Account): Promise<void> {
    const { count, resetsInMs } = await this.guards.hit(`api:calls:${account.id}`, MINUTE_MS);
    if (count > this.limits.callsPerMinute) {
      throw tooMany('The account makes too many calls; try again later.', resetsInMs);
    }
  }

  private async useUp({ authId, random }: Credentials, ttlMs: number): Promise<void> {
    const fresh = await this.guards.once(`nonce:${authId}`, digestOf(random), ttlMs, this.limits.rememberedNonces);
    if (fresh === 'full') {
      throw new DomainError(
        'rate_limited',
        'Too many x-random values of this account are remembered; try again later.',
      );
    }
    if (!fresh) throw new DomainError('replayed_request', 'This x-random was used before.');
  }
}

/** What is remembered of an `x-random`: always 22 characters, where the text itself may be twelve times as long. */
function digestOf(random: string): string {
  return createHash('sha256').update(random).digest().subarray(0, 16).toString('base64url');
}

const failuresOf = (address: string) => `api:failures:${throttleKey(address)}`;

function tooMany(message: string, resetsInMs: number): DomainError {
  return new DomainError('rate_limited', message, { retryAfterSeconds: Math.ceil(resetsInMs / 1_000) });
}

const NOBODY = { code: 'unauthenticated', message: 'The auth id, key or signature is wrong.' } as const;
