import { DomainError, type DomainName, isDomainError, type RegionDirectory, type RegionId } from '@parley/domain';
import { AdminError } from '../admin/admin-error';
import type { Database } from '../database';
import { SealBroken } from '../sealing';
import { countRows, keyColumns, readRows } from './domain-rows';
import type { MovePlan, OtherRegions } from './port';
import { opened } from './row-secrets';
import { type Row, TENANT_TABLES, type TenantTable } from './tables';

/** Tables whose keys people choose, so that the new home may have given them to somebody else. */
const CHOSEN_BY_PEOPLE = ['DomainHost', 'Backend', 'ArbiterPath'];
const PAGE = 500;

/** What moving the domain would do, and what stands in the way. */
export async function planOf(
  database: Database,
  { directory, others }: { readonly directory: RegionDirectory; readonly others: OtherRegions },
  domain: DomainName,
  to: RegionId,
): Promise<MovePlan> {
  const { prisma, region } = database;
  const row = await prisma.domain.findUnique({ where: { name: domain } });
  if (row?.region !== region.id) throw new AdminError('not_found', `There is no domain ${domain} in this region.`);
  const openRooms = await prisma.room.count({ where: { domainName: domain, closedAt: null } });
  const rows = await countRows(prisma, domain);
  if (to === region.id) {
    return { domain, from: region.id, to, rows, openRooms, obstacles: [`${domain} is at home in ${to}.`] };
  }
  const broken = await brokenSecrets(database, domain);
  const taken = await takenThere(database, others, domain, to);
  const obstacles = [...(await leaving(directory, to)), ...broken, ...taken];
  return { domain, from: region.id, to, rows, openRooms, obstacles };
}

/** A region that is being emptied is not filled. One that nobody entered into the directory serves. */
async function leaving(directory: RegionDirectory, to: RegionId): Promise<string[]> {
  const state = (await directory.regions()).find(({ id }) => id === to)?.state ?? 'serving';
  return state === 'serving' ? [] : [`${to} is ${state} and takes nothing new.`];
}

async function takenThere(database: Database, others: OtherRegions, domain: DomainName, to: RegionId) {
  const ids: Record<string, string[]> = {};
  for (const table of TENANT_TABLES.filter(({ name }) => CHOSEN_BY_PEOPLE.includes(name))) {
    ids[table.name] = [];
    await eachRow(database, table, domain, (row) => void ids[table.name]?.push(String(row[table.key[0] ?? ''])));
  }
  try {
    const taken = await (await others.newHome(to)).conflicts(domain, ids);
    return taken.map((what) => `${to} has the ${what} already.`);
  } catch (error) {
    if (!isDomainError(error, 'unavailable') && !(error instanceof AdminError)) throw error;
    return [error instanceof DomainError ? `${to} cannot be asked: ${error.message}` : error.message];
  }
}

/** Secrets that do not open here could not be sealed anew there. */
async function brokenSecrets({ prisma, sealer }: Database, domain: DomainName): Promise<string[]> {
  const broken: string[] = [];
  const tables = TENANT_TABLES.filter(({ name }) => WITH_SECRETS.has(name));
  for (const table of tables) {
    await eachRow({ prisma }, table, domain, (row) => {
      try {
        opened(sealer, table.name, row);
      } catch (error) {
        if (!(error instanceof SealBroken)) throw error;
        broken.push(`${error.message}.`);
      }
    });
  }
  return broken.slice(0, MOST_NAMED);
}

const MOST_NAMED = 10;
const WITH_SECRETS = new Set([
  'Room',
  'WebhookSecret',
  'Backend',
  'BigBlueButtonSecret',
  'ArbiterSfu',
  'SpreedWebrtcUser',
]);

async function eachRow(
  { prisma }: Pick<Database, 'prisma'>,
  table: TenantTable,
  domain: DomainName,
  visit: (row: Row) => void,
): Promise<void> {
  for (let after: Row | null = null; ;) {
    const rows = await readRows(prisma, table, domain, { after, limit: PAGE });
    rows.forEach(visit);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = keyColumns(table, last);
  }
}
