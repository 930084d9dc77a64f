import {
  brandAs,
  type Account,
  type AccountId,
  type Domain,
  DomainError,
  type DomainName,
  type RegionId,
  type TenancyStore,
} from '@parley/domain';
import type { AccountModel, DomainModel } from '../generated/models';
import type { Connection } from '../prisma-client';
import type { Sealer } from '../sealing';

/** Accounts and domains in PostgreSQL. A disabled account is as good as none. */
export class PrismaTenancyStore implements TenancyStore {
  constructor(
    private readonly db: Connection,
    private readonly sealer: Sealer,
    readonly region: RegionId,
  ) {}

  async accountByAuthId(authId: string): Promise<Account | null> {
    // PostgreSQL's text knows no NUL; whoever sends one has no account.
    if (authId.includes('\0')) return null;
    const row = await this.db.account.findFirst({ where: { authId, disabledAt: null } });
    return row && toAccount(row, this.sealer);
  }

  async domain(name: DomainName): Promise<Domain | null> {
    const row = await this.db.domain.findUnique({ where: { name } });
    if (row === null) await this.assertNotMoved(name);
    return row && toDomain(row, this.sealer);
  }

  async domainsOf(account: AccountId): Promise<readonly Domain[]> {
    const rows = await this.db.domain.findMany({
      where: { accountId: account, region: this.region },
      orderBy: { name: 'asc' },
    });
    return rows.map((row) => toDomain(row, this.sealer));
  }

  async keepsVisitorsOut(domain: DomainName): Promise<boolean> {
    const closed = await this.db.backend.findFirst({
      where: { domainName: domain, foreignEntry: false },
      select: { id: true },
    });
    return closed !== null;
  }

  async replaceWebhookKey(name: DomainName, webhookKey: string, formerUntil: Date | null): Promise<boolean> {
    return replaceWebhookKey(this.db, this.sealer, { name, webhookKey, formerUntil });
  }

  async peerEvents(name: DomainName): Promise<boolean> {
    return (await this.db.domain.findUnique({ where: { name }, select: { peerEvents: true } }))?.peerEvents ?? false;
  }

  async setPeerEvents(name: DomainName, on: boolean): Promise<void> {
    await this.db.domain.updateMany({ where: { name }, data: { peerEvents: on } });
  }

  /** Who comes late is told where the domain went. */
  private async assertNotMoved(name: DomainName): Promise<void> {
    const move = await this.db.domainMove.findUnique({ where: { domainName: name }, select: { target: true } });
    if (move === null) return;
    throw new DomainError('wrong_region', 'The domain has moved to another region.', { region: move.target });
  }
}

/** As {@link TenancyStore.replaceWebhookKey}; inside a transaction, so that no other rotation comes between. */
export async function replaceWebhookKey(
  db: Connection,
  sealer: Sealer,
  { name, webhookKey, formerUntil }: { name: DomainName; webhookKey: string; formerUntil: Date | null },
): Promise<boolean> {
  const [row] = await db.$queryRaw<{ sealed: string }[]>`
    SELECT "webhookKeySealed" AS sealed FROM "Domain" WHERE name = ${name} FOR NO KEY UPDATE`;
  if (row === undefined) return false;
  // A former key that counts no more need not open: its master key may be the reason for the rotation.
  const former =
    formerUntil && sealer.seal(previousWebhookKeyPlace(name), sealer.open(webhookKeyPlace(name), row.sealed));
  await db.domain.update({
    where: { name },
    data: {
      webhookKeySealed: sealer.seal(webhookKeyPlace(name), webhookKey),
      previousWebhookKeySealed: former,
      previousWebhookKeyUntil: formerUntil,
    },
  });
  return true;
}

export function accountSecretPlace(id: string): { table: string; row: string; column: string } {
  return { table: 'Account', row: id, column: 'secret' };
}

/** A secret that takes its place when every region has heard of it. */
export function nextAccountSecretPlace(id: string): { table: string; row: string; column: string } {
  return { table: 'Account', row: id, column: 'nextSecret' };
}

export function webhookKeyPlace(domain: string): { table: string; row: string; column: string } {
  return { table: 'Domain', row: domain, column: 'webhookKey' };
}

/** The key before the last rotation, while it still signs. */
export function previousWebhookKeyPlace(domain: string): { table: string; row: string; column: string } {
  return { table: 'Domain', row: domain, column: 'previousWebhookKey' };
}

function toAccount(row: AccountModel, sealer: Sealer): Account {
  return {
    id: brandAs<AccountId>(row.id),
    slug: row.slug,
    authId: row.authId,
    secret: sealer.open(accountSecretPlace(row.id), row.secretSealed),
    ...(row.nextSecretSealed === null
      ? {}
      : { nextSecret: sealer.open(nextAccountSecretPlace(row.id), row.nextSecretSealed) }),
    legacyKeys: row.legacyKeys,
  };
}

function toDomain(row: DomainModel, sealer: Sealer): Domain {
  return {
    name: brandAs<DomainName>(row.name),
    accountId: brandAs<AccountId>(row.accountId),
    region: brandAs<RegionId>(row.region),
    webhookKey: sealer.open(webhookKeyPlace(row.name), row.webhookKeySealed),
    capacity: row.capacity,
    visitorsMayOpen: row.visitorsMayOpen,
    strictResidency: row.strictResidency,
    insecureWebhooks: row.insecureWebhooks,
    visitorRooms: { unenteredSeconds: row.visitorUnenteredSeconds, emptySeconds: row.visitorEmptySeconds },
    apiRooms: { unenteredSeconds: row.apiUnenteredSeconds, emptySeconds: row.apiEmptySeconds },
  };
}
