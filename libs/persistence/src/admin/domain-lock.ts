import type { Connection } from '../prisma-client';
import { isLockTimeout } from '../prisma-errors';
import { AdminError } from './admin-error';

/**
 * Until the transaction ends nobody else in this region makes, changes, deletes or takes in a domain of this name. Whoever
 * holds it may wait for the directory, and who waits holds a connection: not for longer than 5 s.
 * @throws AdminError taken; the transaction is of no use then
 */
export async function lockDomainName(tx: Connection, name: string): Promise<void> {
  await tx.$executeRaw`SET LOCAL lock_timeout = '5s'`;
  try {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`parley:domain:${name}`}, 0))`;
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    throw new AdminError('taken', `Somebody makes, changes, moves or deletes ${name} right now; try again.`);
  }
  // What else the transaction waits for is not refused like that.
  await tx.$executeRaw`SET LOCAL lock_timeout TO DEFAULT`;
}
