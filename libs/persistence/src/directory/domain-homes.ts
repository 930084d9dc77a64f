import { brandAs, type DomainHome, type DomainName, type RegionId } from '@parley/domain';
import type { Database } from '../database';
import { withReadableErrors } from '../prisma-errors';

/** Where this region's own database says that a domain is at home: the truth that directories are copies of. */
export interface DomainHomes {
  /** Null when this region does not know the domain. @throws DomainError unavailable */
  homeOf(name: DomainName): Promise<DomainHome | null>;
}

export function createDomainHomes({ prisma }: Database): DomainHomes {
  return withReadableErrors({
    async homeOf(name: DomainName): Promise<DomainHome | null> {
      const select = { region: true, epoch: true, strictResidency: true } as const;
      const row = await prisma.domain.findUnique({ where: { name }, select });
      return row && { ...row, region: brandAs<RegionId>(row.region) };
    },
  });
}
