import { Controller, Get, Inject, Query } from '@nestjs/common';
import type { AdminStore } from '@parley/persistence';
import { InvalidInput } from '../http/problems';
import { ADMIN_STORE } from './tokens';

/** Entries that are answered when nobody says how many, and at most. */
const LIMITS = { usual: 100, most: 1_000 } as const;

@Controller('v1/admin/audit')
export class AuditController {
  constructor(@Inject(ADMIN_STORE) private readonly store: AdminStore) {}

  @Get()
  async list(@Query('limit') text: string | undefined) {
    const limit = text === undefined ? LIMITS.usual : Number(text);
    if (!Number.isInteger(limit) || limit < 1 || limit > LIMITS.most) {
      throw new InvalidInput(`limit must be a whole number from 1 to ${LIMITS.most}.`);
    }
    const entries = await this.store.audit(limit);
    return { entries: entries.map((entry) => ({ ...entry, at: entry.at.toISOString() })) };
  }
}
