import { brandAs, type DomainName } from '@parley/domain';
import type { Database } from '../database';
import { withReadableErrors } from '../prisma-errors';
import { createDomainHomes } from './domain-homes';

/** What calls name without its domain; `domain`: what they name it by when the directory cannot be asked. */
export type OwnedKind = 'domain' | 'webhook' | 'robot' | 'delivery';

/** The domain that something belongs to. */
export interface DomainOwner {
  readonly domain: DomainName;
  readonly strict: boolean;
}

/** Tells other regions which calls concern strictly resident domains of this one. */
export interface Owners {
  /** Null when nobody has it, or had it when it left from here. @throws DomainError unavailable */
  ownerOf(kind: OwnedKind, id: string): Promise<DomainOwner | null>;
}

export function createOwners(database: Pick<Database, 'prisma' | 'region'>): Owners {
  const { prisma } = database;
  const homes = createDomainHomes(database);
  const domain = { select: { name: true, strictResidency: true } } as const;
  const find = async (kind: OwnedKind, id: string) => {
    switch (kind) {
      case 'domain':
        return prisma.domain.findUnique({ where: { name: id }, ...domain });
      case 'webhook':
        return (await prisma.webhook.findUnique({ where: { id: BigInt(id) }, select: { domain } }))?.domain;
      case 'robot':
        return (await prisma.robot.findUnique({ where: { id: BigInt(id) }, select: { domain } }))?.domain;
      case 'delivery': {
        const select = { webhook: { select: { domain } } } as const;
        return (await prisma.webhookDelivery.findUnique({ where: { id }, select }))?.webhook.domain;
      }
    }
  };
  return withReadableErrors({
    async ownerOf(kind: OwnedKind, id: string): Promise<DomainOwner | null> {
      const departed = kind === 'domain' ? null : await homes.departed(kind, id);
      const row = departed === null ? await find(kind, id) : await find('domain', departed.domain);
      return row ? { domain: brandAs<DomainName>(row.name), strict: row.strictResidency } : null;
    },
  });
}
