import { type AccountId, DomainError } from '@parley/domain';
import type { LiveGuards } from '@parley/live';
import { throttleKey } from '@parley/server-kit';

/** What limits calls, whatever they prove themselves with. */
export interface ThrottleLimits {
  readonly callsPerMinute: number;
  /** Calls with wrong credentials, by one address and minute. */
  readonly failuresPerMinute: number;
}

const MINUTE_MS = 60_000;

/** Counts the calls of accounts and the failures of addresses, for all replicas. */
export class CallThrottle {
  constructor(
    private readonly guards: Pick<LiveGuards, 'hit' | 'hits'>,
    private readonly limits: ThrottleLimits,
  ) {}

  /** @throws DomainError rate_limited when an address sent too many wrong credentials */
  async assertFewFailures(address: string): Promise<void> {
    const { count, resetsInMs } = await this.guards.hits(failuresOf(address));
    if (count >= this.limits.failuresPerMinute) {
      throw tooMany('Too many calls with wrong credentials come from this address; try again later.', resetsInMs);
    }
  }

  async noteFailure(address: string): Promise<void> {
    await this.guards.hit(failuresOf(address), MINUTE_MS);
  }

  /** @throws DomainError rate_limited when this is one call of the account too many */
  async countCall(account: AccountId): Promise<void> {
    const { count, resetsInMs } = await this.guards.hit(`api:calls:${account}`, MINUTE_MS);
    if (count > this.limits.callsPerMinute) {
      throw tooMany('The account makes too many calls; try again later.', resetsInMs);
    }
  }
}

const failuresOf = (address: string) => `api:failures:${throttleKey(address)}`;

function tooMany(message: string, resetsInMs: number): DomainError {
  return new DomainError('rate_limited', message, { retryAfterSeconds: Math.ceil(resetsInMs / 1_000) });
}
