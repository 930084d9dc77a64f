import { Prisma } from '../generated/client';

/** A row as JSON, columns by their names. */
export type Row = Record<string, unknown>;

/** A table that holds what domains have. */
export interface TenantTable {
  readonly name: string;
  /** Primary key, in the order in which rows are copied. */
  readonly key: readonly string[];
  /** Which rows are the domain's; the table's alias is `t`. */
  of(domain: string): Prisma.Sql;
}

const byDomain = (domain: string): Prisma.Sql => Prisma.sql`t."domainName" = ${domain}`;
const byWebhook = (domain: string): Prisma.Sql =>
  Prisma.sql`t."webhookId" IN (SELECT id FROM "Webhook" WHERE "domainName" = ${domain})`;

/** All that a domain has besides its own row: what is referred to stands before what refers. */
export const TENANT_TABLES: readonly TenantTable[] = [
  { name: 'DomainHost', key: ['host'], of: byDomain },
  { name: 'Room', key: ['id'], of: byDomain },
  {
    name: 'RoomPeer',
    key: ['roomSessionId', 'sessionId'],
    of: (domain) => Prisma.sql`t."roomSessionId" IN (SELECT id FROM "Room" WHERE "domainName" = ${domain})`,
  },
  { name: 'RoomSequence', key: ['domainName', 'roomName'], of: byDomain },
  { name: 'Booking', key: ['id'], of: byDomain },
  { name: 'Robot', key: ['id'], of: byDomain },
  { name: 'Webhook', key: ['id'], of: byDomain },
  { name: 'WebhookSecret', key: ['id'], of: byWebhook },
  { name: 'WebhookValidation', key: ['id'], of: byWebhook },
  { name: 'OutboxEvent', key: ['id'], of: byDomain },
  { name: 'WebhookDelivery', key: ['id'], of: byWebhook },
  {
    name: 'WebhookAttempt',
    key: ['id'],
    of: (domain) => Prisma.sql`t."deliveryId" IN (SELECT d.id FROM "WebhookDelivery" d
      JOIN "Webhook" w ON w.id = d."webhookId" WHERE w."domainName" = ${domain})`,
  },
  { name: 'Backend', key: ['id'], of: byDomain },
  { name: 'BigBlueButtonSecret', key: ['id'], of: byDomain },
  { name: 'ArbiterPath', key: ['path'], of: byDomain },
  { name: 'ArbiterSfu', key: ['id'], of: byDomain },
  { name: 'SpreedWebrtcUser', key: ['id'], of: byDomain },
];

/** @throws Error for a table that is none of a domain's */
export function tenantTable(name: string): TenantTable {
  const table = TENANT_TABLES.find((each) => each.name === name);
  if (table === undefined) throw new Error(`${name} is no table of domains`);
  return table;
}

/** Quotes a name out of our own lists. */
export function quoted(name: string): Prisma.Sql {
  if (!/^[A-Za-z]+$/.test(name)) throw new Error('an impossible name');
  return Prisma.raw(`"${name}"`);
}

/** The columns of the key, of the table or part of it that has this alias. */
export function columnsOf({ key }: TenantTable, alias: 't' | 'page'): Prisma.Sql {
  return Prisma.join(key.map((column) => Prisma.sql`${Prisma.raw(alias)}.${quoted(column)}`));
}

/** The key as one value that can be compared. */
export function keyOf(table: TenantTable): Prisma.Sql {
  return Prisma.sql`(${columnsOf(table, 't')})`;
}
