import type { DepartedKind } from '../directory/domain-homes';
import { Prisma } from '../generated/client';
import type { Connection } from '../prisma-client';
import type { RowCounts } from './port';
import { columnsOf, keyOf, quoted, type Row, TENANT_TABLES, type TenantTable } from './tables';

/** Lets this transaction write to a domain that is moving. */
export async function asMover(tx: Connection): Promise<void> {
  await tx.$executeRaw`SELECT set_config('parley.moving', 'yes', true)`;
}

/** How many rows the domain has in each table. */
export async function countRows(db: Connection, domain: string): Promise<RowCounts> {
  const counts: Record<string, number> = {};
  for (const table of TENANT_TABLES) {
    const [row] = await db.$queryRaw<{ n: number }[]>`
      SELECT count(*)::int AS n FROM ${quoted(table.name)} t WHERE ${table.of(domain)}`;
    counts[table.name] = row?.n ?? 0;
  }
  return counts;
}

/** The next rows behind `after` (a row's key), in the order of the key. */
export async function readRows(
  db: Connection,
  table: TenantTable,
  domain: string,
  { after, limit }: { readonly after: Row | null; readonly limit: number },
): Promise<readonly Row[]> {
  // As the table's own types, whatever they are.
  const last = Prisma.sql`(SELECT ${keyOf(table)} FROM jsonb_populate_record(NULL::${quoted(table.name)},
    ${JSON.stringify(after)}::jsonb) t)`;
  const rows = await db.$queryRaw<{ row: Row }[]>`
    -- Only what is chosen becomes JSON, not all that is sorted for it.
    SELECT to_jsonb(page) AS row FROM (
      SELECT t.* FROM ${quoted(table.name)} t
      WHERE ${table.of(domain)} AND ${after === null ? Prisma.sql`true` : Prisma.sql`${keyOf(table)} > ${last}`}
      ORDER BY ${columnsOf(table, 't')} LIMIT ${limit}::int) page
    ORDER BY ${columnsOf(table, 'page')}`;
  return rows.map(({ row }) => row);
}

/** What of a row says where the next page begins. */
export function keyColumns({ key }: TenantTable, row: Row): Row {
  return Object.fromEntries(key.map((column) => [column, row[column]]));
}

/** Writes rows; those that are there stay as they are. */
export async function insertRows(tx: Connection, table: string, rows: readonly Row[]): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO ${quoted(table)} SELECT * FROM jsonb_populate_recordset(NULL::${quoted(table)}, ${JSON.stringify(rows)}::jsonb)
    ON CONFLICT DO NOTHING`;
}

/** What is asked for by its id alone, without its domain, and what it is called then. */
const ASKED_FOR_BY_ID: Readonly<Record<string, DepartedKind>> = {
  WebhookDelivery: 'delivery',
  Webhook: 'webhook',
  Robot: 'robot',
};

/**
 * Deletes some of the domain's rows of a table; answers how many. Of what is asked for by its id alone it is noted where it
 * went, for as long as the domain keeps its events.
 */
export async function deleteRows(tx: Connection, table: TenantTable, domain: string, limit: number): Promise<number> {
  const chosen = Prisma.sql`DELETE FROM ${quoted(table.name)} t WHERE ${keyOf(table)} IN (
    SELECT ${columnsOf(table, 't')} FROM ${quoted(table.name)} t WHERE ${table.of(domain)} LIMIT ${limit}::int)`;
  const kind = ASKED_FOR_BY_ID[table.name];
  if (kind === undefined) return tx.$executeRaw(chosen);
  return tx.$executeRaw`
    WITH gone AS (${chosen} RETURNING t.id)
    INSERT INTO "DepartedId" (kind, id, "domainName", "keptUntil")
    SELECT ${kind}, gone.id::text, o.name, now() + o."webhookRetentionDays" * interval '1 day'
    FROM gone CROSS JOIN "Domain" o WHERE o.name = ${domain}
    ON CONFLICT (kind, id) DO UPDATE SET "domainName" = excluded."domainName", "keptUntil" = excluded."keptUntil"`;
}

/** Deletes the domain with all it has, in one go. */
export async function deleteAll(tx: Connection, domain: string): Promise<void> {
  for (const table of TENANT_TABLES.toReversed()) {
    await tx.$executeRaw`DELETE FROM ${quoted(table.name)} t WHERE ${table.of(domain)}`;
  }
  await tx.domain.deleteMany({ where: { name: domain } });
}
