import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '@parley/domain';
import { isUniqueViolation } from '../prisma-errors';
import type { PrismaClient } from '../generated/client';
import type { Connection } from '../prisma-client';
import { AdminError } from './admin-error';
import { writeAudit } from './audit';

/** A bearer key of an operator, without the key. */
export interface OperatorKeyRecord {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

const KEY_BYTES = 32;
/** How exactly `lastUsedAt` is kept: often enough for people, without a write per request. */
const LAST_USED_GRAIN_MS = 60_000;

const RECORD = { id: true, name: true, createdAt: true, lastUsedAt: true, revokedAt: true } as const;

/** Bearer keys for the operator's REST: named, hashed (SHA-256 of 32 random bytes needs no salt), revocable. */
export class OperatorKeys {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes a key. It is shown only here.
   * @throws AdminError taken; names are not used again, also of revoked keys, as the audit log tells people by them
   */
  async create(actor: string, name: string): Promise<OperatorKeyRecord & { readonly key: string }> {
    const key = `pok_${randomBytes(KEY_BYTES).toString('hex')}`;
    const at = this.clock.now();
    try {
      return await this.prisma.$transaction(async (tx) => {
        const record = await insertOperatorKey(tx, { name, key, at });
        await writeAudit(tx, { at, actor, action: 'operator-key.create', target: name, details: {} });
        return { ...record, key };
      });
    } catch (error) {
      if (isUniqueViolation(error)) throw new AdminError('taken', `There is or was a key named ${name}.`);
      throw error;
    }
  }

  /** The key's record, or null for one that is unknown or revoked. */
  async verify(key: string): Promise<OperatorKeyRecord | null> {
    const now = this.clock.now();
    const record = await this.prisma.operatorKey.findFirst({
      where: { keyHash: hashOf(key), revokedAt: null },
      select: RECORD,
    });
    if (!record) return null;
    if (record.lastUsedAt !== null && now.getTime() - record.lastUsedAt.getTime() < LAST_USED_GRAIN_MS) return record;
    await this.prisma.operatorKey.updateMany({ where: { id: record.id }, data: { lastUsedAt: now } });
    return { ...record, lastUsedAt: now };
  }

  /** @throws AdminError not_found, also when it is revoked already */
  async revoke(actor: string, name: string): Promise<void> {
    const at = this.clock.now();
    await this.prisma.$transaction(async (tx) => {
      const { count } = await tx.operatorKey.updateMany({ where: { name, revokedAt: null }, data: { revokedAt: at } });
      if (count === 0) throw new AdminError('not_found', `There is no valid key named ${name}.`);
      await writeAudit(tx, { at, actor, action: 'operator-key.revoke', target: name, details: {} });
    });
  }

  /** All keys, oldest first, revoked ones included. */
  async list(): Promise<OperatorKeyRecord[]> {
    return this.prisma.operatorKey.findMany({ orderBy: [{ createdAt: 'asc' }, { name: 'asc' }], select: RECORD });
  }
}

/** Stores a key that was made elsewhere. */
export async function insertOperatorKey(
  db: Connection,
  { name, key, at }: { name: string; key: string; at: Date },
): Promise<OperatorKeyRecord> {
  const id = `opk_${randomBytes(12).toString('hex')}`;
  return db.operatorKey.create({ data: { id, name, keyHash: hashOf(key), createdAt: at }, select: RECORD });
}

function hashOf(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex');
}
