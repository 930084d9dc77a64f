import { brandAs, type DomainHome, type DomainName, type RegionId } from '@parley/domain';
import type { Database } from '../database';
import { withReadableErrors } from '../prisma-errors';

/** What left a region with its domain and is asked for by its id alone. */
export type DepartedKind = 'delivery' | 'webhook' | 'robot';

/** Where something went that was here once. */
export interface Departed {
  readonly domain: DomainName;
  /** Where the domain went from here; it may have gone on. */
  readonly region: RegionId;
}

/** Where this region's own database says that a domain is at home: the truth that directories are copies of. */
export interface DomainHomes {
  /** Null when this region does not know the domain. @throws DomainError unavailable */
  homeOf(name: DomainName): Promise<DomainHome | null>;
  /** Null when nothing with this id left from here, or it came back. @throws DomainError unavailable */
  departed(kind: DepartedKind, id: string): Promise<Departed | null>;
}

export function createDomainHomes({ prisma, region: own }: Pick<Database, 'prisma' | 'region'>): DomainHomes {
  return withReadableErrors({
    async homeOf(name: DomainName): Promise<DomainHome | null> {
      const select = { region: true, epoch: true, strictResidency: true } as const;
      const row = await prisma.domain.findUnique({ where: { name }, select });
      return row && { ...row, region: brandAs<RegionId>(row.region) };
    },
    async departed(kind: DepartedKind, id: string): Promise<Departed | null> {
      const [row] = await prisma.$queryRaw<{ domain: string; region: string }[]>`
        SELECT d."domainName" AS domain, coalesce(o.region, m.target) AS region FROM "DepartedId" d
        LEFT JOIN "Domain" o ON o.name = d."domainName"
        LEFT JOIN "DomainMove" m ON m."domainName" = d."domainName"
        WHERE d.kind = ${kind} AND d.id = ${id} AND coalesce(o.region, m.target) <> ${own.id}`;
      return row === undefined
        ? null
        : { domain: brandAs<DomainName>(row.domain), region: brandAs<RegionId>(row.region) };
    },
  });
}
