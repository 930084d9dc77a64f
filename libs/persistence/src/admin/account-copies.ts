import type { RegionId } from '@parley/domain';
import type { Database } from '../database';
import type { DirectoryStore } from '../directory/directory';
import type { AccountModel } from '../generated/models';
import { isUniqueViolation } from '../prisma-errors';
import type { OtherRegions } from '../moving/port';
import { accountSecretPlace, nextAccountSecretPlace } from '../stores/tenancy.store';
import { AdminError } from './admin-error';

/** An account's record as it travels between regions, secrets in the clear: each region seals with keys of its own. */
export interface AccountCopy {
  readonly id: string;
  readonly slug: string;
  readonly authId: string;
  readonly secret: string;
  /** A rotation that not every region knows yet; counts as well. */
  readonly nextSecret: string | null;
  readonly legacyKeys: boolean;
  readonly version: number;
  /** ISO times. */
  readonly createdAt: string;
  readonly disabledAt: string | null;
}

/** Which regions have which version of an account's record. */
export interface AccountSpread {
  readonly version: number;
  /** A rotation waits for those that lag. */
  readonly rotating: boolean;
  readonly regions: ReadonlyArray<{ readonly region: RegionId; readonly version: number; readonly lags: boolean }>;
}

/** Who is told of trouble with a region; the next round tries again. */
export type LagReport = (region: RegionId, error: unknown) => void;

/**
 * Accounts in the regions where they have domains. The region that made an account, which its id names, is the only one
 * that changes it; the others have copies, by version.
 */
export class AccountCopies {
  constructor(
    private readonly database: Database,
    private readonly directory: DirectoryStore,
    private readonly others: OtherRegions,
    private readonly onLag: LagReport,
  ) {}

  /** Takes a copy unless this region has a newer one. @returns the version it has now; @throws AdminError taken, invalid */
  async accept(copy: AccountCopy): Promise<number> {
    const { prisma, sealer, region } = this.database;
    if (regionOf(copy.id) === region.id) throw new AdminError('invalid', 'The account was made here.');
    const { id, version, secret, nextSecret, createdAt, disabledAt, ...plain } = copy;
    const data = {
      ...plain,
      id,
      version,
      secretSealed: sealer.seal(accountSecretPlace(id), secret),
      nextSecretSealed: nextSecret === null ? null : sealer.seal(nextAccountSecretPlace(id), nextSecret),
      createdAt: new Date(createdAt),
      disabledAt: disabledAt === null ? null : new Date(disabledAt),
    };
    try {
      return await prisma.$transaction(async (tx) => {
        const [present] = await tx.$queryRaw<{ version: number }[]>`
          SELECT version FROM "Account" WHERE id = ${id} FOR NO KEY UPDATE`;
        if (present !== undefined && present.version >= version) return present.version;
        if (present === undefined) await tx.account.create({ data });
        else await tx.account.update({ where: { id }, data });
        return version;
      });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new AdminError('taken', `Another account of ${region.id} has this slug or auth id.`);
    }
  }

  /** Which regions have the account, and how new a version of it. @throws AdminError not_found */
  async spread(slug: string): Promise<AccountSpread> {
    const { prisma, region } = this.database;
    const account = await prisma.account.findUnique({ where: { slug } });
    if (account === null) throw new AdminError('not_found', `There is no account ${slug}.`);
    const copies = await this.directory.changes.copiesOf([account.authId], region.id);
    return {
      version: account.version,
      rotating: account.nextSecretSealed !== null,
      regions: copies.map((copy) => ({
        region: copy.region,
        version: copy.version,
        lags: copy.version < account.version,
      })),
    };
  }

  /**
   * Gives the account to a region, as it is now, so that it can have domains there.
   * @throws AdminError not_found, elsewhere, taken; DomainError unavailable
   */
  async giveTo(slug: string, region: RegionId): Promise<void> {
    const account = await this.database.prisma.account.findUnique({ where: { slug } });
    if (account === null) throw new AdminError('not_found', `There is no account ${slug}.`);
    assertMadeHere(account.id, this.database.region.id);
    await this.give(account, region);
  }

  /**
   * As {@link giveTo}, for a domain that moves there; a copy is as good as the account, and the region that made it has it.
   * @throws AdminError not_found, taken; DomainError unavailable
   */
  async hand(slug: string, region: RegionId): Promise<void> {
    const account = await this.database.prisma.account.findUnique({ where: { slug } });
    if (account === null) throw new AdminError('not_found', `There is no account ${slug}.`);
    if (regionOf(account.id) !== region) return this.give(account, region);
    await this.directory.addAccount(account.authId, region);
  }

  /** Gives copies to all regions that lag, and ends rotations that all have heard of. */
  async catchUp(slug?: string): Promise<void> {
    const { prisma, region } = this.database;
    const accounts = await prisma.account.findMany({
      where: { id: { startsWith: `acc_${region.id}_` }, ...(slug === undefined ? {} : { slug }) },
    });
    const copies = await this.directory.changes.copiesOf(
      accounts.map(({ authId }) => authId),
      region.id,
    );
    for (const account of accounts) {
      const regions = copies.filter(({ authId }) => authId === account.authId);
      if (await this.bringUp(account, regions)) await this.promote(account);
    }
  }

  /** Whether every region has this version now. */
  private async bringUp(
    account: AccountModel,
    regions: ReadonlyArray<{ readonly region: RegionId; readonly version: number }>,
  ): Promise<boolean> {
    const lagging = regions.filter(({ version }) => version < account.version);
    const outcomes = await Promise.allSettled(lagging.map(({ region }) => this.give(account, region)));
    outcomes.forEach((outcome, index) => {
      const region = lagging[index]?.region;
      if (outcome.status === 'rejected' && region !== undefined) this.onLag(region, outcome.reason);
    });
    return outcomes.every(({ status }) => status === 'fulfilled');
  }

  /** The new secret takes the place of the old one, here and, with the next copies, everywhere. */
  private async promote(account: AccountModel): Promise<void> {
    if (account.nextSecretSealed === null) return;
    const { prisma, sealer } = this.database;
    const { id, version } = account;
    const next = sealer.open(nextAccountSecretPlace(id), account.nextSecretSealed);
    const { count } = await prisma.account.updateMany({
      where: { id, version },
      data: {
        secretSealed: sealer.seal(accountSecretPlace(id), next),
        nextSecretSealed: null,
        version: { increment: 1 },
      },
    });
    if (count === 1) await this.catchUp(account.slug);
  }

  private async give(account: AccountModel, region: RegionId): Promise<void> {
    const version = await this.others.giveAccount(region, this.copyOf(account));
    await this.directory.changes.acknowledge({ authId: account.authId, region, version });
  }

  private copyOf(account: AccountModel): AccountCopy {
    const { sealer } = this.database;
    const { id, slug, authId, legacyKeys, version, createdAt, disabledAt, secretSealed, nextSecretSealed } = account;
    return {
      id,
      slug,
      authId,
      legacyKeys,
      version,
      secret: sealer.open(accountSecretPlace(id), secretSealed),
      nextSecret: nextSecretSealed === null ? null : sealer.open(nextAccountSecretPlace(id), nextSecretSealed),
      createdAt: createdAt.toISOString(),
      disabledAt: disabledAt?.toISOString() ?? null,
    };
  }
}

/** The region that made an account. */
function regionOf(id: string): string | undefined {
  return /^acc_([a-z0-9-]+)_/.exec(id)?.[1];
}

/** @throws AdminError elsewhere */
export function assertMadeHere(id: string, own: RegionId): void {
  const region = regionOf(id);
  if (region === undefined || region === own) return;
  throw new AdminError('elsewhere', `The account was made in ${region}; it is changed there.`);
}
