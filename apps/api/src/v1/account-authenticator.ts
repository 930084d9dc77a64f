import { type AccountId, type AccountKeyService, DomainError, regionOfAccountKey, type RegionId } from '@parley/domain';
import type { RawRequest } from '@parley/protocol-xroom';
import type { XroomAuthenticator } from '../xroom/authenticator';
import type { CallThrottle } from '../xroom/call-throttle';

/** Who calls, and how they proved it. */
export interface Caller {
  readonly account: AccountId;
  /** `signature`: with the account's secret, as calls of the xroom API are. */
  readonly by: 'key' | 'signature';
}

/**
 * Lets accounts into `/v1`: with a bearer key, or signed as calls of the xroom API are. What is signed as the path is the
 * whole request target, the query included, as it was sent; a request without a body signs the hash of nothing. The key
 * of the original scheme is not enough here, whatever an account may use there.
 */
export class AccountAuthenticator {
  constructor(
    private readonly keys: Pick<AccountKeyService, 'holderOf'>,
    private readonly signatures: Pick<XroomAuthenticator, 'authenticate' | 'giveBack'>,
    private readonly throttle: CallThrottle,
    private readonly region: RegionId,
  ) {}

  /**
   * @param request whose `path` is the whole request target
   * @param address who calls
   * @throws DomainError unauthenticated, invalid_input (version), replayed_request, rate_limited, unavailable
   */
  async authenticate(request: RawRequest, address: string): Promise<Caller> {
    const { authorization, 'x-auth-id': authId, 'x-signature': signature } = request.headers;
    if (typeof authorization === 'string') return this.byKey(authorization, address);
    if (authId === undefined) throw new DomainError('unauthenticated', 'Send a key as bearer token, or sign the call.');
    const outcome = await this.signatures.authenticate(request, address);
    if ('refusal' in outcome) {
      const { status, body } = outcome.refusal;
      throw new DomainError(status === 400 ? 'invalid_input' : 'unauthenticated', body.errMsg ?? '');
    }
    // `x-auth-key` alone signs neither what is called nor the body: whoever changed a call could make a bearer key of it.
    if (signature === undefined) throw new DomainError('unauthenticated', 'Send x-timestamp and x-signature.');
    return { account: outcome.account, by: 'signature' };
  }

  /** As {@link XroomAuthenticator.giveBack}, of a call that was signed. Never rejects. */
  async giveBack(headers: RawRequest['headers']): Promise<void> {
    return this.signatures.giveBack(headers);
  }

  private async byKey(authorization: string, address: string): Promise<Caller> {
    await this.throttle.assertFewFailures(address);
    const key = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1] ?? '';
    const account = await this.keys.holderOf(key);
    if (account === null) {
      await this.throttle.noteFailure(address);
      throw new DomainError('unauthenticated', this.why(key));
    }
    await this.throttle.countCall(account);
    return { account, by: 'key' };
  }

  private why(key: string): string {
    const region = regionOfAccountKey(key);
    if (region === undefined || region === this.region) return 'Send a valid key of an account as bearer token.';
    return `This key was made in ${region} and is not known in ${this.region}: has the account domains here, and was it not revoked?`;
  }
}
