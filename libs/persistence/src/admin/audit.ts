import { randomBytes } from 'node:crypto';
import type { JsonObject } from '@parley/domain';
import type { Connection } from '../prisma-client';

/** What an operator did. Holds no secrets. */
export interface AuditRecord {
  readonly id: string;
  readonly at: Date;
  /** Name of the operator's key. */
  readonly actor: string;
  /** e.g. `domain.create`. */
  readonly action: string;
  /** What it was done to: a slug, a domain, a key's name. */
  readonly target: string;
  readonly details: JsonObject;
}

/** Notes what was done, in the transaction that does it. */
export async function writeAudit(db: Connection, entry: Omit<AuditRecord, 'id'>): Promise<void> {
  await db.auditEntry.create({ data: { id: `aud_${randomBytes(12).toString('hex')}`, ...entry } });
}

/** The newest entries first. */
export async function listAudit(db: Connection, limit: number): Promise<AuditRecord[]> {
  const rows = await db.auditEntry.findMany({ orderBy: [{ at: 'desc' }, { id: 'desc' }], take: limit });
  return rows.map((row) => ({ ...row, details: row.details as JsonObject }));
}
