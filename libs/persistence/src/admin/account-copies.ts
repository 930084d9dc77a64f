import { type AccountId, isDomainError, regionOfAccount, type RegionId } from '@parley/domain';
import type { Database } from '../database';
import type { DirectoryStore } from '../directory/directory';
import type { AccountCopyState } from '../directory/directory-changes';
import type { AccountKeyModel, AccountModel } from '../generated/models';
import type { Connection } from '../prisma-client';
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
  /** Its valid bearer keys, by their hashes: all that there are. */
  readonly keys: readonly KeyCopy[];
}

interface KeyCopy {
  readonly id: string;
  readonly name: string;
  readonly keyHash: string;
  readonly createdAt: string;
}

/** An account with its valid bearer keys. */
type Whole = AccountModel & { readonly keys: readonly AccountKeyModel[] };
/** Read after the account's row: with an older version newer keys may go out, never older ones with a newer version. */
const WITH_KEYS = { keys: { where: { revokedAt: null }, orderBy: { id: 'asc' } } } as const;

/** Whom a call is about. */
type Named = { readonly slug: string } | { readonly id: string };

/** Which regions have which version of an account's record. */
export interface AccountSpread {
  readonly version: number;
  /** A rotation waits for those that lag. */
  readonly rotating: boolean;
  readonly regions: ReadonlyArray<{ readonly region: RegionId; readonly version: number; readonly lags: boolean }>;
}

/** How long somebody who changed an account waits for its other regions, in milliseconds. */
const TELL_MS = 5_000;

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
    if (regionOfAccount(copy.id) === region.id) throw new AdminError('invalid', 'The account was made here.');
    const { id, version, secret, nextSecret, createdAt, disabledAt, keys, ...plain } = copy;
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
        await replaceKeys(tx, id, keys);
        return version;
      });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new AdminError('taken', `Another account of ${region.id} has this slug or auth id.`);
    }
  }

  /** Which regions have the account, and how new a version of it. @throws AdminError not_found */
  async spread(named: Named): Promise<AccountSpread> {
    const { region } = this.database;
    const account = await this.find(named);
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

  /** All regions where the account is known; empty when it is unknown here. */
  async regionsOf(id: AccountId): Promise<readonly RegionId[]> {
    const account = await this.database.prisma.account.findUnique({ where: { id }, select: { authId: true } });
    return account === null ? [] : this.directory.regionsOf(account.authId);
  }

  /**
   * Gives copies to the regions that lag, now, and waits for them a few seconds at most: who is away hears later.
   * @returns what they have then
   * @throws AdminError not_found
   */
  async tell(named: Named): Promise<AccountSpread> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, TELL_MS)));
    // Of what does not work out now the next round makes another try.
    await Promise.race([this.catchUp(named).catch(() => undefined), patience]);
    clearTimeout(timer);
    return this.spread(named);
  }

  /**
   * Gives the account to a region, as it is now, so that it can have domains there.
   * @throws AdminError not_found, elsewhere, taken; DomainError unavailable
   */
  async giveTo(slug: string, region: RegionId): Promise<void> {
    const account = await this.find({ slug });
    assertMadeHere(account.id, this.database.region.id);
    await this.give(account, region);
  }

  /**
   * As {@link giveTo}, for a domain that moves there; a copy is as good as the account, and the region that made it has it.
   * @throws AdminError not_found, taken; DomainError unavailable
   */
  async hand(slug: string, region: RegionId): Promise<void> {
    const account = await this.find({ slug });
    if (regionOfAccount(account.id) !== region) return this.give(account, region);
    await this.directory.addAccount(account.authId, region);
  }

  /** Gives copies to all regions that lag, and ends rotations that all have heard of. */
  async catchUp(named?: Named): Promise<void> {
    const { prisma, region } = this.database;
    // Every few seconds all accounts are looked at, so only what tells whether one lags is read.
    const accounts = await prisma.account.findMany({
      where: { AND: [{ id: { startsWith: `acc_${region.id}_` } }, ...(named === undefined ? [] : [named])] },
      select: { id: true, authId: true, version: true, nextSecretSealed: true },
    });
    const copies = new Map<string, AccountCopyState[]>(accounts.map(({ authId }) => [authId, []]));
    for (const copy of await this.directory.changes.copiesOf([...copies.keys()], region.id)) {
      copies.get(copy.authId)?.push(copy);
    }
    // One that does not answer is asked once a round, not once per account.
    const away = new Set<RegionId>();
    for (const { id, authId, version, nextSecretSealed } of accounts) {
      const regions = copies.get(authId) ?? [];
      if (nextSecretSealed === null && regions.every((copy) => copy.version >= version)) continue;
      const account = await this.find({ id });
      if (await this.bringUp(account, regions, away)) await this.promote(account);
    }
  }

  /** Whether every region has this version now. */
  private async bringUp(
    account: Whole,
    regions: ReadonlyArray<{ readonly region: RegionId; readonly version: number }>,
    away: Set<RegionId>,
  ): Promise<boolean> {
    const behind = regions.filter(({ version }) => version < account.version);
    const lagging = behind.filter(({ region }) => !away.has(region));
    const outcomes = await Promise.allSettled(lagging.map(({ region }) => this.give(account, region)));
    outcomes.forEach((outcome, index) => {
      const region = lagging[index]?.region;
      if (outcome.status === 'fulfilled' || region === undefined) return;
      if (isDomainError(outcome.reason, 'unavailable')) away.add(region);
      this.onLag(region, outcome.reason);
    });
    return lagging.length === behind.length && outcomes.every(({ status }) => status === 'fulfilled');
  }

  /** The new secret takes the place of the old one, here and, with the next copies, everywhere. */
  private async promote(account: Whole): Promise<void> {
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
    if (count === 1) await this.catchUp({ id });
  }

  /** @throws AdminError not_found */
  private async find(named: Named): Promise<Whole> {
    const account = await this.database.prisma.account.findFirst({ where: named, include: WITH_KEYS });
    if (account !== null) return account;
    throw new AdminError('not_found', `There is no account ${'slug' in named ? named.slug : named.id}.`);
  }

  private async give(account: Whole, region: RegionId): Promise<void> {
    const version = await this.others.giveAccount(region, this.copyOf(account));
    await this.directory.changes.acknowledge({ authId: account.authId, region, version });
  }

  private copyOf(account: Whole): AccountCopy {
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
      keys: account.keys.map((key) => ({
        ...{ id: key.id, name: key.name, keyHash: key.keyHash },
        createdAt: key.createdAt.toISOString(),
      })),
    };
  }
}

/** Those that are not named were revoked, or never were the account's. */
async function replaceKeys(tx: Connection, accountId: string, keys: readonly KeyCopy[]): Promise<void> {
  await tx.accountKey.deleteMany({ where: { accountId, id: { notIn: keys.map(({ id }) => id) } } });
  const data = keys.map((key) => ({ ...key, accountId, createdAt: new Date(key.createdAt) }));
  // What it is and when it was used here stays.
  await tx.accountKey.createMany({ data, skipDuplicates: true });
}

/** @throws AdminError elsewhere */
export function assertMadeHere(id: string, own: RegionId): void {
  const region = regionOfAccount(id);
  if (region === undefined || region === own) return;
  throw new AdminError('elsewhere', `The account was made in ${region}; it is changed there.`);
}
