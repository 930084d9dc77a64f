import { createHash } from 'node:crypto';
import type { Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import type { IdSource } from '../kernel/id-source';
import { brandAs, type AccountId, type AccountKeyId, type RegionId } from '../kernel/ids';
import { regionOfAccount } from './tenancy';

/** A bearer key of an account for the REST API, without the key. */
export interface AccountKey {
  readonly id: AccountKeyId;
  /** What people call it; used once per account. */
  readonly name: string;
  readonly createdAt: Date;
  /** To the minute. */
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** Where keys stand. Only their SHA-256 is kept: 32 random bytes need no salt. */
export interface AccountKeyStore {
  /** Null when the account has or had a key of this name. Raises the version of the account's record, as revoking does. */
  insert(account: AccountId, key: AccountKey, keyHash: string): Promise<AccountKey | null>;
  /** Oldest first, revoked ones included. */
  list(account: AccountId): Promise<readonly AccountKey[]>;
  /** False when the account has no such valid key. */
  revoke(account: AccountId, id: AccountKeyId, now: Date): Promise<boolean>;
  /** Whose valid key this is, noting that it was used; null for one that is unknown, revoked or of a disabled account. */
  holderOf(keyHash: string, now: Date): Promise<AccountId | null>;
}

/** Most valid keys of one account. */
export const KEYS_PER_ACCOUNT = 50;
/** Most keys of one account with the revoked ones, whose names are kept. */
const KEYS_EVER = 1_000;

const KEY_BYTES = 32;
const ID_BYTES = 12;
const KEY_FORM = /^pk_([a-z0-9-]{1,64})_[0-9a-f]{64}$/;

/**
 * Bearer keys of accounts. The region that made the account, which its keys name, makes and revokes them; the account's
 * other regions have copies, with its record.
 */
export class AccountKeyService {
  constructor(
    private readonly keys: AccountKeyStore,
    private readonly clock: Clock,
    private readonly ids: IdSource,
    private readonly region: RegionId,
  ) {}

  /** The region that manages the account's keys, if that is another one. */
  elsewhere(account: AccountId): RegionId | undefined {
    const region = regionOfAccount(account);
    return region === this.region ? undefined : region;
  }

  /**
   * Makes a key. It is shown only here.
   * @throws DomainError key_exists, not_allowed when there are too many, wrong_region
   */
  async create(account: AccountId, name: string): Promise<AccountKey & { readonly key: string }> {
    this.assertHere(account);
    const present = await this.keys.list(account);
    const valid = present.filter(({ revokedAt }) => revokedAt === null);
    if (valid.length >= KEYS_PER_ACCOUNT || present.length >= KEYS_EVER) throw tooMany();
    const key = `pk_${this.region}_${this.ids.random(KEY_BYTES)}`;
    const id = brandAs<AccountKeyId>(`ak_${this.region}_${this.ids.random(ID_BYTES)}`);
    const record = { id, name, createdAt: this.clock.now(), lastUsedAt: null, revokedAt: null };
    const created = await this.keys.insert(account, record, hashOf(key));
    if (created === null) throw new DomainError('key_exists', `There is or was a key named ${name}.`);
    return { ...created, key };
  }

  /** @throws DomainError wrong_region */
  async list(account: AccountId): Promise<readonly AccountKey[]> {
    this.assertHere(account);
    return this.keys.list(account);
  }

  /** @throws DomainError key_not_found, also when it is revoked already or somebody else's; wrong_region */
  async revoke(account: AccountId, id: AccountKeyId): Promise<void> {
    this.assertHere(account);
    if (await this.keys.revoke(account, id, this.clock.now())) return;
    throw new DomainError('key_not_found', 'There is no valid key with this id.');
  }

  /** Whose key this is; null when it is nobody's. Looked up by its hash, so no comparison tells how near a guess came. */
  async holderOf(key: string): Promise<AccountId | null> {
    return KEY_FORM.test(key) ? this.keys.holderOf(hashOf(key), this.clock.now()) : null;
  }

  private assertHere(account: AccountId): void {
    const region = this.elsewhere(account);
    if (region === undefined) return;
    throw new DomainError('wrong_region', `The account's keys are managed in its region ${region}.`, { region });
  }
}

/** The region that made a key, as its text says. */
export function regionOfAccountKey(key: string): string | undefined {
  return KEY_FORM.exec(key)?.[1];
}

function hashOf(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex');
}

function tooMany(): DomainError {
  return new DomainError('not_allowed', `An account has at most ${KEYS_PER_ACCOUNT} keys; revoke one first.`);
}
