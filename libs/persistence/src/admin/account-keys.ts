import { AccountKeyService, brandAs, cryptoIds } from '@parley/domain';
import type { AccountId, AccountKey, AccountKeyId, Clock } from '@parley/domain';
import type { Database } from '../database';
import type { Connection } from '../prisma-client';
import { PrismaAccountKeyStore } from '../stores/account-key.store';
import { assertMadeHere } from './account-copies';
import { noAccount } from './accounts';
import { writeAudit } from './audit';

/** The bearer keys of accounts, as operators manage them. Each change writes an audit entry in the same transaction. */
export class AccountKeyAdmin {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes a key for an account. It is shown only here.
   * @throws AdminError not_found (the account), elsewhere
   * @throws DomainError key_exists, not_allowed
   */
  async create(actor: string, slug: string, name: string): Promise<AccountKey & { readonly key: string }> {
    return this.database.prisma.$transaction(async (tx) => {
      const created = await this.keysOn(tx).create(await this.changeable(tx, slug), name);
      await this.note(tx, actor, 'account-key.create', slug, { id: created.id, name });
      return created;
    });
  }

  /** @throws AdminError not_found, elsewhere */
  async list(slug: string): Promise<readonly AccountKey[]> {
    const { prisma } = this.database;
    return this.keysOn(prisma).list(await this.changeable(prisma, slug));
  }

  /**
   * @throws AdminError not_found (the account), elsewhere
   * @throws DomainError key_not_found
   */
  async revoke(actor: string, slug: string, id: string): Promise<void> {
    await this.database.prisma.$transaction(async (tx) => {
      await this.keysOn(tx).revoke(await this.changeable(tx, slug), brandAs<AccountKeyId>(id));
      await this.note(tx, actor, 'account-key.revoke', slug, { id });
    });
  }

  /** Its keys are managed where it was made. @throws AdminError not_found, elsewhere */
  private async changeable(db: Connection, slug: string): Promise<AccountId> {
    const account = await accountOf(db, slug);
    assertMadeHere(account, this.database.region.id);
    return account;
  }

  private keysOn(db: Connection): AccountKeyService {
    return new AccountKeyService(new PrismaAccountKeyStore(db), this.clock, cryptoIds, this.database.region.id);
  }

  private note(tx: Connection, actor: string, action: string, target: string, details: { id: string; name?: string }) {
    return writeAudit(tx, { at: this.clock.now(), actor, action, target, details });
  }
}

async function accountOf(db: Connection, slug: string): Promise<AccountId> {
  const account = await db.account.findUnique({ where: { slug }, select: { id: true } });
  if (account === null) throw noAccount(slug);
  return brandAs<AccountId>(account.id);
}
