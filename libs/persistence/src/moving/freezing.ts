import type { DomainName, RegionId } from '@parley/domain';
import { AdminError } from '../admin/admin-error';
import type { PrismaClient } from '../generated/client';
import type { Connection } from '../prisma-client';
import { asMover } from './domain-rows';

const TRANSACTION = { maxWait: 5_000, timeout: 30_000 } as const;

/** How long one step of a move works or waits, in milliseconds: callers see progress, and may end between two steps. */
export const STEP_MS = 1_000;
const LOOK_AGAIN_MS = 50;

/** Closes what the frozen domain has open, and tells those inside where it goes. May be repeated. */
export type RoomCloser = (domain: DomainName, to: RegionId) => Promise<void>;

export interface FreezeWish {
  readonly to: RegionId;
  readonly closeRooms: RoomCloser | null;
  readonly hold: (db: Connection) => Promise<void>;
}

/**
 * Refuses writes to the domain from now on, and makes sure that what began before left no open room. May be repeated.
 * @param wish.closeRooms null: a domain with open rooms stays as it is
 * @param wish.hold refuses when the move is somebody else's by now, and holds it for the time of the transaction
 * @returns false when something that began before is still under way: to be repeated
 * @throws AdminError rooms_open
 */
export async function freezeEmpty(
  prisma: PrismaClient,
  domain: DomainName,
  { to, closeRooms, hold }: FreezeWish,
): Promise<boolean> {
  try {
    await freeze(prisma, domain, { to, mustBeEmpty: closeRooms === null, hold });
    if (!(await outlived(prisma, await transactionsUnderWay(prisma)))) return false;
    // Not before: who is thrown out comes again, and would open here what is to be open there.
    if (closeRooms !== null) {
      await hold(prisma);
      await closeRooms(domain, to);
    }
    await assertNoOpenRooms(prisma, domain);
    return true;
  } catch (error) {
    if (!(error instanceof AdminError) || error.code !== 'rooms_open') throw error;
    await prisma.$transaction(async (tx) => {
      await hold(tx);
      await unfreeze(tx, domain);
    });
    throw error;
  }
}

/** Whether these have ended, within the time of a step. */
async function outlived(prisma: PrismaClient, transactions: ReadonlySet<string>): Promise<boolean> {
  const until = performance.now() + STEP_MS;
  for (;;) {
    const now = await transactionsUnderWay(prisma);
    if (![...transactions].some((id) => now.has(id))) return true;
    if (performance.now() > until) return false;
    await pause();
  }
}

/** Before looking again. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
}

/** @throws AdminError rooms_open */
async function freeze(
  prisma: PrismaClient,
  domain: string,
  { to, mustBeEmpty, hold }: Pick<FreezeWish, 'to' | 'hold'> & { readonly mustBeEmpty: boolean },
): Promise<void> {
  await prisma.$transaction(async (tx) => {
    await asMover(tx);
    await hold(tx);
    // Rooms refer to the row, so none is opened until the commit.
    await tx.$queryRaw`SELECT 1 FROM "Domain" WHERE name = ${domain} FOR UPDATE`;
    if (mustBeEmpty) await assertNoOpenRooms(tx, domain);
    await tx.webhook.updateMany({ where: { domainName: domain }, data: { frozen: true } });
    await tx.domain.update({ where: { name: domain }, data: { movingTo: to } });
  }, TRANSACTION);
}

/** Takes writes again. */
export async function unfreeze(tx: Connection, domain: string): Promise<void> {
  await asMover(tx);
  await tx.webhook.updateMany({ where: { domainName: domain }, data: { frozen: false } });
  await tx.domain.updateMany({ where: { name: domain }, data: { movingTo: null } });
}

/** @throws AdminError rooms_open */
async function assertNoOpenRooms(db: Connection, domain: string): Promise<void> {
  const open = await db.room.count({ where: { domainName: domain, closedAt: null } });
  if (open > 0) throw new AdminError('rooms_open', `${open} rooms of ${domain} are open.`);
}

/**
 * Transactions that are under way in this database: they may have looked at the domain before it was frozen, and write
 * yet. The same question CREATE INDEX CONCURRENTLY asks.
 */
async function transactionsUnderWay(prisma: PrismaClient): Promise<ReadonlySet<string>> {
  const rows = await prisma.$queryRaw<{ id: string }[]>`
    SELECT l.virtualtransaction AS id FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'virtualxid' AND a.datname = current_database() AND l.pid <> pg_backend_pid()`;
  return new Set(rows.map(({ id }) => id));
}

/** What the dispatcher, the gateways and the loops still have to do with the domain; null: nothing. */
export async function stillUnderWay(prisma: PrismaClient, domain: string): Promise<string | null> {
  const [row] = await prisma.$queryRaw<{ events: number; deliveries: number; handshakes: number }[]>`
    SELECT
      (SELECT count(*)::int FROM "OutboxEvent" WHERE "domainName" = ${domain} AND "relayedAt" IS NULL) AS events,
      (SELECT count(*)::int FROM "WebhookDelivery" d JOIN "Webhook" w ON w.id = d."webhookId"
        WHERE w."domainName" = ${domain} AND d.state = 'sending' AND d."lockedUntil" > now()) AS deliveries,
      (SELECT count(*)::int FROM "Webhook" WHERE "domainName" = ${domain} AND "validationLockedUntil" > now()) AS handshakes`;
  const named = Object.entries(row ?? {}).filter(([, count]) => count > 0);
  return named.length === 0 ? null : named.map(([what, count]) => `${count} ${what}`).join(', ');
}
