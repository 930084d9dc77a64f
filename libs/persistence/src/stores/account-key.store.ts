import { brandAs, type AccountId, type AccountKey, type AccountKeyId, type AccountKeyStore } from '@parley/domain';
import type { Connection } from '../prisma-client';

/** How exactly `lastUsedAt` is kept: often enough for people, without a write per request. */
const LAST_USED_GRAIN_MS = 60_000;

const RECORD = { id: true, name: true, createdAt: true, lastUsedAt: true, revokedAt: true } as const;

/** Bearer keys of accounts in PostgreSQL. */
export class PrismaAccountKeyStore implements AccountKeyStore {
  constructor(private readonly db: Connection) {}

  async insert(account: AccountId, key: AccountKey, keyHash: string): Promise<AccountKey | null> {
    const { id, name, createdAt } = key;
    // Skipped instead of refused: a refusal would spoil the transaction around it. One statement with the version: other
    // regions take the keys they are given with it.
    const count = await this.db.$executeRaw`
      WITH made AS (
        INSERT INTO "AccountKey" (id, "accountId", name, "keyHash", "createdAt")
        VALUES (${id}, ${account}, ${name}, ${keyHash}, ${createdAt}::timestamptz) ON CONFLICT DO NOTHING
        RETURNING "accountId"
      )
      UPDATE "Account" a SET version = a.version + 1 FROM made WHERE a.id = made."accountId"`;
    return count === 1 ? key : null;
  }

  async list(account: AccountId): Promise<readonly AccountKey[]> {
    const rows = await this.db.accountKey.findMany({
      where: { accountId: account },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      select: RECORD,
    });
    return rows.map((row) => ({ ...row, id: brandAs<AccountKeyId>(row.id) }));
  }

  async revoke(account: AccountId, id: AccountKeyId, now: Date): Promise<boolean> {
    // PostgreSQL's text knows no NUL.
    if (id.includes('\0')) return false;
    const count = await this.db.$executeRaw`
      WITH revoked AS (
        UPDATE "AccountKey" SET "revokedAt" = ${now}::timestamptz
        WHERE id = ${id} AND "accountId" = ${account} AND "revokedAt" IS NULL
        RETURNING "accountId"
      )
      UPDATE "Account" a SET version = a.version + 1 FROM revoked WHERE a.id = revoked."accountId"`;
    return count === 1;
  }

  async holderOf(keyHash: string, now: Date): Promise<AccountId | null> {
    const row = await this.db.accountKey.findFirst({
      where: { keyHash, revokedAt: null, account: { disabledAt: null } },
      select: { id: true, accountId: true, lastUsedAt: true },
    });
    if (row === null) return null;
    if (row.lastUsedAt === null || now.getTime() - row.lastUsedAt.getTime() >= LAST_USED_GRAIN_MS) {
      await this.db.accountKey.updateMany({ where: { id: row.id }, data: { lastUsedAt: now } });
    }
    return brandAs<AccountId>(row.accountId);
  }
}
