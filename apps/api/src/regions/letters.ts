import type { OwnedKind } from '@parley/persistence';
import { z } from 'zod';

/** Where regions write to each other. */
export function movePath(domain: string): string {
  return `/internal/moves/${encodeURIComponent(domain)}`;
}

export function accountPath(authId: string): string {
  return `/internal/accounts/${encodeURIComponent(authId)}`;
}

const row = z.record(z.string(), z.unknown());
/** As of which step of the move it was written. Releases before it was said do not say it: older than all that is. */
const asOf = z.iso.datetime().default(new Date(0).toISOString());

/** What the region that a domain leaves asks of its new home. */
export const moveLetterSchema = z.discriminatedUnion('act', [
  z.strictObject({ act: z.literal('conflicts'), ids: z.record(z.string(), z.array(z.string()).readonly()).readonly() }),
  z.strictObject({ act: z.literal('prepare'), row, asOf }),
  z.strictObject({ act: z.literal('put'), table: z.string(), rows: z.array(row).readonly(), asOf }),
  z.strictObject({ act: z.literal('counts') }),
  z.strictObject({ act: z.literal('activate'), epoch: z.int() }),
  z.strictObject({ act: z.literal('abandon'), asOf }),
]);
export type MoveLetter = z.infer<typeof moveLetterSchema>;

const numeric = z.string().regex(/^\d{1,16}$/);

/** Whose something is: the path says what, so that there is nothing more to write. */
export const ownerLetterSchema = z.strictObject({});
export const ownedSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal(['webhook', 'robot']), id: numeric }),
  z.object({ kind: z.literal(['domain', 'delivery']), id: z.string().regex(/^[\w.-]{1,253}$/) }),
]) satisfies z.ZodType<{ readonly kind: OwnedKind; readonly id: string }>;

export const accountLetterSchema = z.strictObject({
  id: z.string(),
  slug: z.string(),
  authId: z.string(),
  secret: z.string(),
  nextSecret: z.string().nullable(),
  legacyKeys: z.boolean(),
  version: z.int(),
  createdAt: z.iso.datetime(),
  disabledAt: z.iso.datetime().nullable(),
  keys: z.array(z.strictObject({ id: z.string(), name: z.string(), keyHash: z.string(), createdAt: z.iso.datetime() })),
});
