import { z } from 'zod';

/** Bearer keys of accounts: `/v1/keys` by the account itself, `/v1/admin/accounts/{slug}/keys` by operators. */

const time = z.iso.datetime();
const keyName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and hyphens');

export const createAccountKeySchema = z
  .strictObject({ name: keyName.describe('What people call it; used once per account, also of revoked keys') })
  .meta({ id: 'CreateAccountKey' });

export const accountKeySchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    createdAt: time,
    lastUsedAt: time.nullable().describe('To the minute, by calls that the region that manages the keys did itself'),
    revokedAt: time.nullable(),
  })
  .meta({ id: 'AccountKey' });
export type AccountKeyView = z.infer<typeof accountKeySchema>;

export const createdAccountKeySchema = accountKeySchema
  .extend({
    key: z.string().describe('The bearer key; only its hash is kept, so it is shown only now'),
    lagging: z
      .array(z.string())
      .describe("The account's regions that do not know it yet; they are told as soon as they answer"),
  })
  .meta({ id: 'CreatedAccountKey' });

export const accountKeyListSchema = z.strictObject({ keys: z.array(accountKeySchema) }).meta({ id: 'AccountKeyList' });
