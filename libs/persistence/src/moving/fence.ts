import { AdminError } from '../admin/admin-error';
import type { DomainMoveModel } from '../generated/models';
import type { Connection } from '../prisma-client';

/**
 * Makes sure that the move stands as it was read, and in a transaction that it does until the end: whoever was held up on
 * the way here changes nothing that is somebody else's by now.
 * @throws AdminError taken
 */
export async function holdMove(db: Connection, { domainName, updatedAt }: DomainMoveModel): Promise<void> {
  const held = await db.$queryRaw<unknown[]>`
    SELECT 1 FROM "DomainMove" WHERE "domainName" = ${domainName} AND "updatedAt" = ${updatedAt} FOR UPDATE`;
  if (held.length === 0) throw overtaken();
}

export function overtaken(): AdminError {
  return new AdminError('taken', 'Somebody else moves it further, or took the move back, right now; try again.');
}
