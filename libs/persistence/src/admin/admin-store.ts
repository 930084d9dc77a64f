import type { Clock } from '@parley/domain';
import type { Database } from '../database';
import type { DirectoryStore } from '../directory/directory';
import { withReadableErrors } from '../prisma-errors';
import { AccountKeyAdmin } from './account-keys';
import { AccountAdmin } from './accounts';
import { listAudit, type AuditRecord } from './audit';
import { BackendAdmin } from './backends';
import { DomainAdmin } from './domains';
import { OperatorKeys } from './operator-keys';
import { RegionAdmin } from './regions';

/** What operators manage. Every change is audited under the name of the operator's key (`actor`). */
export interface AdminStore {
  readonly keys: OperatorKeys;
  readonly accounts: AccountAdmin;
  readonly accountKeys: AccountKeyAdmin;
  readonly domains: DomainAdmin;
  readonly backends: BackendAdmin;
  readonly regions: RegionAdmin;
  /** The newest `limit` entries, newest first. */
  audit(limit: number): Promise<AuditRecord[]>;
}

/** Outages are thrown as DomainError unavailable, refusals as {@link AdminError}. */
export function createAdminStore(database: Database, directory: DirectoryStore, clock: Clock): AdminStore {
  return {
    keys: withReadableErrors(new OperatorKeys(database.prisma, clock)),
    accounts: withReadableErrors(new AccountAdmin(database, directory, clock)),
    accountKeys: withReadableErrors(new AccountKeyAdmin(database, clock)),
    domains: withReadableErrors(new DomainAdmin(database, directory, clock)),
    backends: withReadableErrors(new BackendAdmin(database, clock)),
    regions: withReadableErrors(new RegionAdmin(database, directory, clock)),
    audit: (limit) => listAudit(database.prisma, limit),
  };
}
