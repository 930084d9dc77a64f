import { brandAs, type DomainName, type RegionEntry, type RegionId } from '@parley/domain';
import type { Prisma, PrismaClient } from '../generated/client';
import { isUniqueViolation } from '../prisma-errors';

/** A region as operators enter it. */
export type NewRegion = Omit<RegionEntry, 'version'>;
export type RegionChanges = Partial<Omit<NewRegion, 'id' | 'number'>>;

/** What a region has of an account. */
export interface AccountCopyState {
  readonly authId: string;
  readonly region: RegionId;
  /** The version of the record that it acknowledged; 0: none yet. */
  readonly version: number;
}

/** A domain's way to another region, as the directory learns of it. */
export interface HomeChange {
  readonly from: RegionId;
  readonly to: RegionId;
  /** The new one. */
  readonly epoch: number;
  readonly webhooks: readonly bigint[];
  readonly robots: readonly bigint[];
}

/** What operators and moves change in the directory. */
export class DirectoryChanges {
  constructor(private readonly prisma: PrismaClient) {}

  /**
   * Enters a region, or one again that was removed.
   * @returns false when its id or number is, or was, another one's
   */
  async addRegion({ position, ...region }: NewRegion): Promise<boolean> {
    const data = { ...region, latitude: position?.latitude ?? null, longitude: position?.longitude ?? null };
    try {
      await this.prisma.directoryRegion.create({ data });
      return true;
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
    const { count } = await this.prisma.directoryRegion.updateMany({
      where: { id: region.id, number: region.number, removedAt: { not: null } },
      data: { ...data, removedAt: null, version: { increment: 1 }, updatedAt: new Date() },
    });
    return count === 1;
  }

  /** False when there is no such region. */
  async changeRegion(id: string, { position, ...changes }: RegionChanges): Promise<boolean> {
    const place =
      position === undefined ? {} : { latitude: position?.latitude ?? null, longitude: position?.longitude ?? null };
    return this.update(id, { ...changes, ...place });
  }

  /** False when there is no such region. */
  async removeRegion(id: string): Promise<boolean> {
    return this.update(id, { removedAt: new Date() });
  }

  private async update(id: string, data: Prisma.DirectoryRegionUpdateManyMutationInput): Promise<boolean> {
    const { count } = await this.prisma.directoryRegion.updateMany({
      where: { id, removedAt: null },
      data: { ...data, version: { increment: 1 }, updatedAt: new Date() },
    });
    return count === 1;
  }

  /** Domains that are at home in the region. */
  async domainsIn(region: string): Promise<number> {
    return this.prisma.directoryDomain.count({ where: { region } });
  }

  /** What the regions but `own` have of these accounts. */
  async copiesOf(authIds: readonly string[], own: RegionId): Promise<readonly AccountCopyState[]> {
    const rows = await this.prisma.directoryAccount.findMany({
      where: { authId: { in: [...authIds] }, region: { not: own } },
      orderBy: [{ authId: 'asc' }, { region: 'asc' }],
    });
    return rows.map(({ authId, region, version }) => ({ authId, region: brandAs<RegionId>(region), version }));
  }

  /** Notes what a region has; never less than before. */
  async acknowledge({ authId, region, version }: AccountCopyState): Promise<void> {
    await this.prisma.directoryAccount.createMany({ data: [{ authId, region, version }], skipDuplicates: true });
    await this.prisma.directoryAccount.updateMany({
      where: { authId, region, version: { lt: version } },
      data: { version },
    });
  }

  /** Says that the domain is on its way, or is no more. */
  async setMoving(name: DomainName, region: RegionId, moving: boolean): Promise<void> {
    await this.prisma.directoryDomain.updateMany({
      where: { name, region },
      data: { state: moving ? 'moving' : 'serving' },
    });
  }

  /**
   * Makes `to` the domain's home, and tells where its numeric ids are from now on. May be repeated.
   * @returns false when the directory knows another home or epoch; then nothing is changed
   */
  async changeHome(name: DomainName, { from, to, epoch, webhooks, robots }: HomeChange): Promise<boolean> {
    return this.prisma.$transaction(async (tx) => {
      const { count } = await tx.directoryDomain.updateMany({
        where: {
          name,
          OR: [
            { region: from, epoch: epoch - 1 },
            { region: to, epoch },
          ],
        },
        data: { region: to, epoch, state: 'serving' },
      });
      if (count === 0) return false;
      for (const [kind, ids] of [
        ['webhook', webhooks],
        ['robot', robots],
      ] as const) {
        await tx.$executeRaw`
          INSERT INTO "MovedId" (kind, id, region) SELECT ${kind}, id, ${to} FROM unnest(${[...ids]}::bigint[]) AS id
          ON CONFLICT (kind, id) DO UPDATE SET region = excluded.region`;
      }
      return true;
    });
  }
}
