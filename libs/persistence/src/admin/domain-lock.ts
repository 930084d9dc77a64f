import type { Connection } from '../prisma-client';

/** Until the transaction ends nobody else in this region makes, changes, deletes or takes in a domain of this name. */
export async function lockDomainName(tx: Connection, name: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`parley:domain:${name}`}, 0))`;
}
