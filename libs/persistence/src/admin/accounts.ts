import { randomBytes } from 'node:crypto';
import type { Clock } from '@parley/domain';
import type { Database } from '../database';
import type { DirectoryStore } from '../directory/directory';
import { isUniqueViolation } from '../prisma-errors';
import { accountSecretPlace, nextAccountSecretPlace } from '../stores/tenancy.store';
import { assertMadeHere } from './account-copies';
import { AdminError } from './admin-error';
import { writeAudit } from './audit';

/** An account without its secret. */
export interface AccountRecord {
  readonly id: string;
  readonly slug: string;
  readonly authId: string;
  readonly legacyKeys: boolean;
  readonly createdAt: Date;
  readonly disabledAt: Date | null;
}

export interface NewAccount {
  /** Lower-case letters, digits and hyphens; part of URLs. */
  readonly slug: string;
  /** Made up if absent. */
  readonly authId?: string;
  /** Made up if absent. */
  readonly secret?: string;
  /** May use keys that sign no body; false by default. */
  readonly legacyKeys?: boolean;
}

const SECRET_BYTES = 32;
const RECORD = { id: true, slug: true, authId: true, legacyKeys: true, createdAt: true, disabledAt: true } as const;

/** Accounts, as operators manage them. Each change writes an audit entry in the same transaction. */
export class AccountAdmin {
  constructor(
    private readonly database: Database,
    private readonly directory: DirectoryStore,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes an account. Its secret is shown only here.
   * @throws AdminError taken (slug or auth id)
   */
  async create(actor: string, input: NewAccount): Promise<AccountRecord & { readonly secret: string }> {
    const { prisma, sealer, region } = this.database;
    const id = `acc_${region.id}_${randomBytes(12).toString('hex')}`;
    const authId = input.authId ?? `auth_${randomBytes(12).toString('hex')}`;
    const secret = input.secret ?? randomBytes(SECRET_BYTES).toString('hex');
    const at = this.clock.now();
    const account = {
      id,
      slug: input.slug,
      authId,
      legacyKeys: input.legacyKeys ?? false,
      secretSealed: sealer.seal(accountSecretPlace(id), secret),
      createdAt: at,
    };
    try {
      const record = await prisma.$transaction(async (tx) => {
        const created = await tx.account.create({ data: account, select: RECORD });
        const details = { authId, legacyKeys: account.legacyKeys };
        await writeAudit(tx, { at, actor, action: 'account.create', target: input.slug, details });
        return created;
      });
      await this.directory.addAccount(authId, region.id);
      return { ...record, secret };
    } catch (error) {
      if (isUniqueViolation(error)) throw new AdminError('taken', 'There is an account with this slug or auth id.');
      throw error;
    }
  }

  /** All accounts by slug, disabled ones included. */
  async list(): Promise<AccountRecord[]> {
    return this.database.prisma.account.findMany({ orderBy: { slug: 'asc' }, select: RECORD });
  }

  /**
   * Gives the account a new secret, which is shown only here. The former one is void at once, or, where the account has
   * domains in other regions, when all of those have heard of the new one: until then both count.
   * @throws AdminError not_found, elsewhere
   */
  async rotateSecret(actor: string, slug: string): Promise<{ readonly secret: string }> {
    const { prisma, sealer, region } = this.database;
    const secret = randomBytes(SECRET_BYTES).toString('hex');
    const at = this.clock.now();
    const known = await prisma.account.findUnique({ where: { slug }, select: { id: true, authId: true } });
    if (!known) throw noAccount(slug);
    const { id, authId } = known;
    assertMadeHere(id, region.id);
    const spread = (await this.directory.changes.copiesOf([authId], region.id)).length > 0;
    await prisma.$transaction(async (tx) => {
      const data = spread
        ? { nextSecretSealed: sealer.seal(nextAccountSecretPlace(id), secret) }
        : { secretSealed: sealer.seal(accountSecretPlace(id), secret), nextSecretSealed: null };
      await tx.account.update({ where: { slug }, data: { ...data, version: { increment: 1 } } });
      await writeAudit(tx, { at, actor, action: 'account.rotate-secret', target: slug, details: {} });
    });
    return { secret };
  }

  /**
   * Shuts the account out of the API. Its domains and open rooms stay. Repeating it changes nothing.
   * @throws AdminError not_found, elsewhere
   */
  async disable(actor: string, slug: string): Promise<AccountRecord> {
    const at = this.clock.now();
    return this.database.prisma.$transaction(async (tx) => {
      const known = await tx.account.findUnique({ where: { slug }, select: { id: true } });
      if (known) assertMadeHere(known.id, this.database.region.id);
      const { count } = await tx.account.updateMany({
        where: { slug, disabledAt: null },
        data: { disabledAt: at, version: { increment: 1 } },
      });
      if (count === 1) await writeAudit(tx, { at, actor, action: 'account.disable', target: slug, details: {} });
      const record = await tx.account.findUnique({ where: { slug }, select: RECORD });
      if (!record) throw noAccount(slug);
      return record;
    });
  }
}

export function noAccount(slug: string): AdminError {
  return new AdminError('not_found', `There is no account ${slug}.`);
}
