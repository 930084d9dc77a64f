import {
  brandAs,
  type Directory,
  type DomainHome,
  type DomainName,
  type RegionDirectory,
  type RegionEntry,
  type RegionId,
} from '@parley/domain';
import type { PrismaClient } from '../generated/client';
import { withReadableErrors } from '../prisma-errors';
import { answers, openPrisma } from '../prisma-client';
import { DirectoryChanges } from './directory-changes';

/** The directory with what operators change in it. Outages are DomainError unavailable. */
export interface DirectoryStore extends Directory, RegionDirectory {
  /** Makes a domain known, or sets how it is known. False, and nothing changed, when another region is its home. */
  claimDomain(name: DomainName, home: DomainHome): Promise<boolean>;
  /** Forgets a domain and its hosts, if it is at home in `region`. */
  releaseDomain(name: DomainName, region: RegionId): Promise<void>;
  /**
   * Makes exactly these hosts (lower case, without port) lead to the domain.
   * @returns those that belong to another domain; then nothing is changed
   */
  setHosts(name: DomainName, hosts: readonly string[]): Promise<string[]>;
  /** Notes that the account has, or may have, domains in this region. */
  addAccount(authId: string, region: RegionId): Promise<void>;
  /** What operators and moves change. */
  readonly changes: DirectoryChanges;
}

/** A directory that was opened for itself. */
export interface OpenDirectory extends DirectoryStore {
  /** Whether its database answers within two seconds. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}

/** Opens the directory's database, which may be the region's own or another one. Connects at the first query. */
export function createDirectory(options: { url: string; poolSize?: number }): OpenDirectory {
  const prisma = openPrisma(options.url, options.poolSize);
  const store = new PrismaDirectory(prisma);
  return Object.assign(withReadableErrors(store), {
    healthy: () => answers(prisma),
    close: () => prisma.$disconnect(),
  });
}

class PrismaDirectory implements DirectoryStore {
  readonly changes: DirectoryChanges;

  constructor(private readonly prisma: PrismaClient) {
    this.changes = withReadableErrors(new DirectoryChanges(prisma));
  }

  async domain(name: DomainName): Promise<DomainHome | null> {
    const row = await this.prisma.directoryDomain.findUnique({ where: { name } });
    return row && { region: brandAs<RegionId>(row.region), epoch: row.epoch, strictResidency: row.strictResidency };
  }

  async host(host: string): Promise<DomainName | null> {
    if (host.includes('\0')) return null;
    const row = await this.prisma.directoryHost.findUnique({ where: { host } });
    return row && brandAs<DomainName>(row.domainName);
  }

  async regionsOf(authId: string): Promise<readonly RegionId[]> {
    if (authId.includes('\0')) return [];
    const rows = await this.prisma.directoryAccount.findMany({ where: { authId }, orderBy: { region: 'asc' } });
    return rows.map((row) => brandAs<RegionId>(row.region));
  }

  async movedId(kind: 'webhook' | 'robot', id: number): Promise<RegionId | null> {
    if (!Number.isSafeInteger(id)) return null;
    const row = await this.prisma.movedId.findUnique({ where: { kind_id: { kind, id: BigInt(id) } } });
    return row && brandAs<RegionId>(row.region);
  }

  async strictRegions(): Promise<readonly RegionId[]> {
    const rows = await this.prisma.directoryDomain.groupBy({ by: ['region'], where: { strictResidency: true } });
    return rows.map((row) => brandAs<RegionId>(row.region));
  }

  async regions(): Promise<readonly RegionEntry[]> {
    const rows = await this.prisma.directoryRegion.findMany({
      where: { removedAt: null },
      orderBy: { number: 'asc' },
    });
    return rows.map(({ latitude, longitude, updatedAt: _updatedAt, removedAt: _removedAt, ...row }) => ({
      ...row,
      id: brandAs<RegionId>(row.id),
      position: latitude === null || longitude === null ? null : { latitude, longitude },
    }));
  }

  async claimDomain(name: DomainName, home: DomainHome): Promise<boolean> {
    await this.prisma.directoryDomain.createMany({ data: [{ name, ...home }], skipDuplicates: true });
    const { count } = await this.prisma.directoryDomain.updateMany({
      where: { name, region: home.region },
      data: home,
    });
    return count === 1;
  }

  async releaseDomain(name: DomainName, region: RegionId): Promise<void> {
    await this.prisma.$transaction(async (tx) => {
      const { count } = await tx.directoryDomain.deleteMany({ where: { name, region } });
      if (count === 1) await tx.directoryHost.deleteMany({ where: { domainName: name } });
    });
  }

  async setHosts(name: DomainName, hosts: readonly string[]): Promise<string[]> {
    const foreign = await this.prisma.directoryHost.findMany({
      where: { host: { in: [...hosts] }, domainName: { not: name } },
      orderBy: { host: 'asc' },
    });
    if (foreign.length > 0) return foreign.map(({ host }) => host);
    // Whoever takes one of them in this very moment makes createMany fail on the primary key, and nothing is changed.
    await this.prisma.$transaction([
      this.prisma.directoryHost.deleteMany({ where: { domainName: name } }),
      this.prisma.directoryHost.createMany({ data: [...new Set(hosts)].map((host) => ({ host, domainName: name })) }),
    ]);
    return [];
  }

  async addAccount(authId: string, region: RegionId): Promise<void> {
    await this.prisma.directoryAccount.createMany({ data: [{ authId, region }], skipDuplicates: true });
  }
}
