import type { DomainName } from '@parley/domain';
import { AdminError } from '../admin/admin-error';
import { lockDomainName } from '../admin/domain-lock';
import type { Database } from '../database';
import type { DirectoryStore } from '../directory/directory';
import { Prisma } from '../generated/client';
import type { Connection } from '../prisma-client';
import { asMover, countRows, deleteAll, insertRows } from './domain-rows';
import { unfreeze } from './freezing';
import type { NewHome, RowCounts } from './port';
import { sealed } from './row-secrets';
import { quoted, type Row, tenantTable } from './tables';

const TRANSACTION = { maxWait: 5_000, timeout: 60_000 } as const;

/**
 * Domains that move into this region. Until one is activated its row names its former home, so nobody is served, and it is
 * frozen, so nobody else writes and nothing is sent.
 */
export class Arrivals implements NewHome {
  constructor(
    private readonly database: Database,
    private readonly directory: Pick<DirectoryStore, 'domain'>,
  ) {}

  async conflicts(domain: DomainName, ids: Readonly<Record<string, readonly string[]>>): Promise<readonly string[]> {
    const { prisma } = this.database;
    const found: string[] = [];
    for (const [name, keys] of Object.entries(ids)) {
      const { key } = tenantTable(name);
      const column = Prisma.sql`t.${quoted(key[0] ?? '')}`;
      const rows = await prisma.$queryRaw<{ id: string }[]>`
        SELECT ${column} AS id FROM ${quoted(name)} t
        WHERE ${column} = ANY(${[...keys]}::text[]) AND t."domainName" <> ${domain} ORDER BY 1`;
      found.push(...rows.map(({ id }) => `${name} ${id}`));
    }
    if (await this.isHomeOf(domain)) found.push(`Domain ${domain}`);
    if (await isLeaving(prisma, domain)) found.push(`unfinished move of ${domain}`);
    return found;
  }

  async prepare(domain: DomainName, row: Row, asOf: Date): Promise<void> {
    const { prisma, sealer, region } = this.database;
    const arriving = { ...sealed(sealer, 'Domain', row), movingTo: announcement(region.id, asOf) };
    await prisma.$transaction(async (tx) => {
      await asMover(tx);
      await this.lockReplaceable(tx, domain, asOf);
      // It would delete what arrives.
      if (await isLeaving(tx, domain)) {
        throw new AdminError('taken', `${domain} has not left ${region.id} completely; let that move finish first.`);
      }
      await deleteAll(tx, domain);
      await insertRows(tx, 'Domain', [arriving]);
    }, TRANSACTION);
  }

  async put(domain: DomainName, table: string, rows: readonly Row[], asOf: Date): Promise<void> {
    const { prisma, sealer } = this.database;
    const { name } = tenantTable(table);
    const taken = rows.map((row) => ({
      ...sealed(sealer, name, row),
      ...(name === 'Webhook' ? { frozen: true } : {}),
    }));
    await prisma.$transaction(async (tx) => {
      await asMover(tx);
      await this.lockArriving(tx, domain, asOf);
      await insertRows(tx, name, taken);
      if (name === 'OutboxEvent') await countOnFrom(tx, domain);
    }, TRANSACTION);
  }

  async counts(domain: DomainName): Promise<RowCounts> {
    return countRows(this.database.prisma, domain);
  }

  async activate(domain: DomainName, epoch: number): Promise<void> {
    const { prisma, region } = this.database;
    const home = await this.directory.domain(domain);
    if (home?.region !== region.id || home.epoch !== epoch) {
      throw new AdminError('invalid', `The directory does not say that ${domain} is at home in ${region.id}.`);
    }
    await prisma.$transaction(async (tx) => {
      await asMover(tx);
      const row = await lockRow(tx, domain);
      // Said once more, maybe late: it may be on its way out by now.
      if (row?.region === region.id && row.epoch >= epoch) return;
      const { count } = await tx.domain.updateMany({
        where: { name: domain, epoch: { lte: epoch } },
        data: { region: region.id, epoch },
      });
      if (count === 0) throw new AdminError('not_found', `${domain} was not sent to ${region.id}.`);
      await unfreeze(tx, domain);
      // It may have left from here once.
      await tx.domainMove.deleteMany({ where: { domainName: domain, epoch: { lt: epoch } } });
    }, TRANSACTION);
  }

  async abandon(domain: DomainName, asOf: Date): Promise<void> {
    await this.database.prisma.$transaction(async (tx) => {
      await asMover(tx);
      await this.lockReplaceable(tx, domain, asOf);
      await deleteAll(tx, domain);
    }, TRANSACTION);
  }

  private async isHomeOf(name: DomainName): Promise<boolean> {
    const where = { name, region: this.database.region.id };
    return (await this.database.prisma.domain.count({ where })) > 0;
  }

  /** Nothing that comes over the wire, however late, may delete a domain that lives here, or a copy begun since. */
  private async lockReplaceable(tx: Connection, domain: DomainName, asOf: Date): Promise<void> {
    const own = this.database.region.id;
    const row = await lockRow(tx, domain);
    // Asked under the lock: what was so when the letter came may be so no more.
    const home = await this.directory.domain(domain);
    if (row?.region === own || home?.region === own) throw isHome(domain, own);
    if (row !== undefined) assertNotOvertaken(domain, asOf, announcedAt(own, row.movingTo));
  }

  private async lockArriving(tx: Connection, domain: DomainName, asOf: Date): Promise<void> {
    const own = this.database.region.id;
    const row = await lockRow(tx, domain);
    if (row === undefined) throw new AdminError('not_found', `${domain} was not announced in ${own}.`);
    const at = announcedAt(own, row.movingTo);
    if (row.region === own || at === null) throw isHome(domain, own);
    assertNotOvertaken(domain, asOf, at);
  }
}

/**
 * Forgets what was left here of a domain that nobody has: an announcement that was read when the move had been taken back,
 * and whose domain was deleted since at its home. It would keep the name for ever. Nothing of a move that is under way is
 * meant: its domain is in the directory, or this region has not deleted it completely.
 * @returns false when there is nothing like that
 */
export async function forgetStray(
  tx: Connection,
  own: string,
  directory: Pick<DirectoryStore, 'domain'>,
  domain: DomainName,
): Promise<boolean> {
  const row = await lockRow(tx, domain);
  if (row === undefined || row.region === own || (await isLeaving(tx, domain))) return false;
  if ((await directory.domain(domain)) !== null) return false;
  await asMover(tx);
  await deleteAll(tx, domain);
  return true;
}

interface LockedRow {
  readonly region: string;
  readonly epoch: number;
  readonly movingTo: string | null;
}

async function lockRow(tx: Connection, domain: string): Promise<LockedRow | undefined> {
  // Where there is no row yet there is nothing else to lock.
  await lockDomainName(tx, domain);
  const [row] = await tx.$queryRaw<LockedRow[]>`
    SELECT region, epoch, "movingTo" FROM "Domain" WHERE name = ${domain} FOR UPDATE`;
  return row;
}

/** Whether this region still has to delete what it had of a domain that left. */
async function isLeaving(db: Connection, domain: string): Promise<boolean> {
  return (await db.domainMove.count({ where: { domainName: domain, phase: 'deleting' } })) > 0;
}

/**
 * What `movingTo` says of a domain that arrives: to where, and as of which step of its move it was announced, e.g.
 * `us-1@2026-11-22T08:00:00.000Z`. Of one that leaves it is the region alone.
 */
function announcement(region: string, asOf: Date): string {
  return `${region}@${asOf.toISOString()}`;
}

/** As of when the domain of this row was announced here, in ms; 0: by an earlier release; null: it does not come here. */
function announcedAt(own: string, movingTo: string | null): number | null {
  const [region, at] = (movingTo ?? '').split('@');
  if (region !== own) return null;
  return at === undefined ? 0 : Date.parse(at);
}

function assertNotOvertaken(domain: string, asOf: Date, announced: number | null): void {
  if (announced !== null && announced > asOf.getTime()) {
    throw new AdminError('taken', `${domain} was announced anew since this was written.`);
  }
}

function isHome(domain: string, region: string): AdminError {
  return new AdminError('taken', `${domain} is at home in ${region} already.`);
}

/** What happens here from now on comes after what came along: readers go by the position. One mover at a time. */
async function countOnFrom(tx: Connection, domain: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('parley:positions', 0))`;
  await tx.$executeRaw`
    SELECT setval('"OutboxEvent_position_seq"', came.last + ${HEADROOM}::bigint)
    FROM (SELECT max(position) AS last FROM "OutboxEvent" WHERE "domainName" = ${domain}) came, "OutboxEvent_position_seq" seq
    WHERE came.last >= seq.last_value`;
}

/** So many events may be given a position between reading and setting the counter without one being given twice. */
const HEADROOM = 1_000_000;
