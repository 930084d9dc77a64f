import type { UnitOfWork } from '@parley/domain';
import type { PrismaClient } from './generated/client';
import { asMover } from './moving/domain-rows';
import { answers, openPrisma } from './prisma-client';
import { withReadableErrors } from './prisma-errors';
import { parseMasterKeys, Sealer, type MasterKey } from './sealing';
import { PrismaUnitOfWork, storesOn, type ReadStores, type RegionIdentity } from './unit-of-work';

export interface DatabaseOptions {
  /** `postgresql://...` */
  readonly url: string;
  /** As {@link parseMasterKeys} reads or answers them. */
  readonly masterKeys: string | readonly MasterKey[];
  readonly region: RegionIdentity;
  /** Connections at most; 10 by default. */
  readonly poolSize?: number;
  /** A statement that takes longer is cancelled, in milliseconds; absent: never. */
  readonly statementMs?: number;
  /** Called after each commit that wrote outbox events. Must not throw; losing it only costs time. */
  readonly wakeRelay?: () => void;
}

/** A region's database. */
export interface Database {
  readonly uow: UnitOfWork;
  /** The same, also for domains that are on their way to another region: for what a move itself has to end. */
  readonly movingUow: UnitOfWork;
  /** The same stores outside of transactions, e.g. to look up an account. Outages are DomainError unavailable. */
  readonly stores: ReadStores;
  readonly prisma: PrismaClient;
  readonly sealer: Sealer;
  readonly region: RegionIdentity;
  /** Whether it answers within two seconds. */
  healthy(): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Opens a region's database; connects at the first query.
 * @throws Error when a master key is malformed
 */
export function createDatabase(options: DatabaseOptions): Database {
  const { masterKeys, region } = options;
  const sealer = new Sealer(typeof masterKeys === 'string' ? parseMasterKeys(masterKeys) : masterKeys);
  const prisma = openPrisma(options.url, options.poolSize, options.statementMs);
  const stores = storesOn(prisma, sealer, region);
  const wakeRelay = options.wakeRelay ?? (() => undefined);
  return {
    uow: new PrismaUnitOfWork(prisma, sealer, region, wakeRelay),
    movingUow: new PrismaUnitOfWork(prisma, sealer, region, wakeRelay, asMover),
    stores: {
      tenancy: withReadableErrors(stores.tenancy),
      rooms: withReadableErrors(stores.rooms),
      bookings: withReadableErrors(stores.bookings),
      webhooks: withReadableErrors(stores.webhooks),
      webhookSecrets: withReadableErrors(stores.webhookSecrets),
      robots: withReadableErrors(stores.robots),
    },
    prisma,
    sealer,
    region,
    healthy: () => answers(prisma),
    close: () => prisma.$disconnect(),
  };
}
