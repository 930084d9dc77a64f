import { z } from 'zod';

/** The operator's REST, `/v1/admin`. Secrets are shown once, in the answer that made them. */

const time = z.iso.datetime();
const slug = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and hyphens');
const authId = z.string().regex(/^[\x21-\x7e]{1,128}$/, 'expected 1 to 128 printable characters without spaces');
const seconds = z.number().int().min(1).max(31_536_000);
const domainName = z.string().min(1).max(253);

export const createAccountSchema = z
  .strictObject({
    slug,
    authId: authId.optional().describe('What its back ends call themselves; made up if absent'),
    legacyKeys: z.boolean().default(false).describe('May use keys that sign no body; those can be replayed'),
  })
  .meta({ id: 'CreateAccount' });
export type CreateAccount = z.infer<typeof createAccountSchema>;

export const accountSchema = z
  .strictObject({
    id: z.string(),
    slug,
    authId,
    legacyKeys: z.boolean(),
    createdAt: time,
    disabledAt: time.nullable(),
  })
  .meta({ id: 'Account' });
export type AccountView = z.infer<typeof accountSchema>;

export const createdAccountSchema = accountSchema
  .extend({ secret: z.string().describe('Shown only now') })
  .meta({ id: 'CreatedAccount' });

export const accountListSchema = z.strictObject({ accounts: z.array(accountSchema) }).meta({ id: 'AccountList' });

const host = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i, 'expected a host name without a port');

const domainSettings = {
  capacity: z.number().int().min(1).max(10_000).describe('How many may be in one room; who is in already stays in'),
  visitorsMayOpen: z.boolean().describe('Visitors open rooms by entering them'),
  strictResidency: z.boolean().describe('Foreign regions answer 421 instead of passing calls on'),
  visitorUnenteredSeconds: seconds
    .nullable()
    .describe("Until a visitor's room that nobody entered closes; null: never"),
  visitorEmptySeconds: seconds.nullable().describe("Until a visitor's room closes after the last one left"),
  apiUnenteredSeconds: seconds.nullable().describe('Until a room opened by the API that nobody entered closes'),
  apiEmptySeconds: seconds.nullable().describe('Until a room opened by the API closes after the last one left'),
  webhookRetentionDays: z
    .number()
    .int()
    .min(1)
    .max(365)
    .describe('How long events, deliveries and attempts are kept, in days; what still waits then is given up'),
  hosts: z.array(host).max(64).describe('Host names that lead to the domain'),
};

/** What is absent keeps its default. */
export const createDomainSchema = z
  .strictObject({ name: domainName, account: slug.describe('Slug of the account it belongs to') })
  .extend(z.strictObject(domainSettings).partial().shape)
  .meta({ id: 'CreateDomain' });
export type CreateDomain = z.infer<typeof createDomainSchema>;

/** What is absent stays as it is. */
export const updateDomainSchema = z.strictObject(domainSettings).partial().meta({ id: 'UpdateDomain' });
export type UpdateDomain = z.infer<typeof updateDomainSchema>;

export const domainSchema = z
  .strictObject({
    name: domainName,
    accountId: z.string(),
    region: z.string(),
    ...domainSettings,
    insecureWebhooks: z.boolean().describe('Plain http and loopback receivers are allowed; only for a demo'),
    movingTo: z.string().nullable().describe('On its way to this region, and frozen until it is there'),
    createdAt: time,
  })
  .meta({ id: 'Domain' });
export type DomainView = z.infer<typeof domainSchema>;

export const createdDomainSchema = domainSchema
  .extend({ webhookKey: z.string().describe('Signs webhook challenges; shown only now') })
  .meta({ id: 'CreatedDomain' });

export const domainListSchema = z.strictObject({ domains: z.array(domainSchema) }).meta({ id: 'DomainList' });

export const accountSecretSchema = z
  .strictObject({
    secret: z.string().describe('Shown only now'),
    accepted: z
      .boolean()
      .describe('The former one is void; if not, both count until the regions that lag have heard of this one'),
    lagging: z
      .array(z.string())
      .describe('Regions that have not heard of it yet; they are told as soon as they answer'),
  })
  .meta({ id: 'AccountSecret' });

export const rotateWebhookKeySchema = z
  .strictObject({
    overlapHours: z
      .number()
      .int()
      .min(0)
      .max(168)
      .default(24)
      .describe('How long the former one signs and passes handshakes as well; one before that is void at once'),
  })
  .meta({ id: 'RotateWebhookKey' });

export const webhookKeySchema = z
  .strictObject({
    webhookKey: z.string().describe('Shown only now'),
    formerSignsUntil: time.nullable().describe('Null: the former one is void'),
  })
  .meta({ id: 'WebhookKey' });

const sharedSecret = z.string().min(16, 'expected at least 16 characters').max(512);
const bitrate = z.number().int().min(1).max(2_147_483_647);

const backendSettings = {
  domain: domainName.describe('Its rooms belong to this domain'),
  urls: z
    .array(z.url({ protocol: /^https?$/ }).max(2_048))
    .min(1)
    .max(32)
    .describe('Base URLs of one and the same Nextcloud; plain http only where `allowPrivate` covers the address'),
  sessionLimit: z.number().int().min(1).max(1_000_000).nullable().describe('Sessions at once; null: any number'),
  maxStreamBitrate: bitrate.nullable().describe('Told to its clients, bits per second'),
  maxScreenBitrate: bitrate.nullable().describe('Told to its clients, bits per second'),
  foreignEntry: z.boolean().describe('People of other protocols may enter its rooms'),
  allowPrivate: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .max(32)
    .describe('Address ranges its URLs may lead to although they are not public'),
};

export const createBackendSchema = z
  .strictObject({
    id: slug.describe('Never given to another Nextcloud: sessions and rooms are kept apart by it'),
    domain: backendSettings.domain,
    urls: backendSettings.urls,
    secret: sharedSecret.describe('The one in Talk settings; signs calls in both directions'),
    internalSecret: sharedSecret.optional().describe('Proves its internal clients; it has none if absent'),
    sessionLimit: backendSettings.sessionLimit.default(null),
    maxStreamBitrate: backendSettings.maxStreamBitrate.default(null),
    maxScreenBitrate: backendSettings.maxScreenBitrate.default(null),
    foreignEntry: backendSettings.foreignEntry.default(false),
    allowPrivate: backendSettings.allowPrivate.default([]),
  })
  .meta({ id: 'CreateBackend' });
export type CreateBackend = z.infer<typeof createBackendSchema>;

/** What is absent stays as it is. */
export const updateBackendSchema = z
  .strictObject({
    urls: backendSettings.urls,
    secret: sharedSecret.describe('The former one is void at once'),
    internalSecret: sharedSecret
      .nullable()
      .describe('The former one is void at once; null: it has no internal clients'),
    sessionLimit: backendSettings.sessionLimit,
    maxStreamBitrate: backendSettings.maxStreamBitrate,
    maxScreenBitrate: backendSettings.maxScreenBitrate,
    foreignEntry: backendSettings.foreignEntry,
    allowPrivate: backendSettings.allowPrivate,
  })
  .partial()
  .meta({ id: 'UpdateBackend' });
export type UpdateBackend = z.infer<typeof updateBackendSchema>;

export const backendSchema = z
  .strictObject({
    id: slug,
    ...backendSettings,
    hasInternalSecret: z.boolean(),
    createdAt: time,
  })
  .meta({ id: 'Backend' });
export type BackendView = z.infer<typeof backendSchema>;

export const backendListSchema = z.strictObject({ backends: z.array(backendSchema) }).meta({ id: 'BackendList' });

export const createKeySchema = z.strictObject({ name: slug }).meta({ id: 'CreateKey' });

/** Names are not used twice, so the key that takes the place of another has another name. */
export const rotateKeySchema = z
  .strictObject({ name: slug.optional().describe('Name of the new key; made up from the former one if absent') })
  .meta({ id: 'RotateKey' });

export const keySchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    createdAt: time,
    lastUsedAt: time.nullable(),
    revokedAt: time.nullable(),
  })
  .meta({ id: 'OperatorKey' });
export type KeyView = z.infer<typeof keySchema>;

export const createdKeySchema = keySchema
  .extend({ key: z.string().describe('The bearer key; only its hash is kept, so it is shown only now') })
  .meta({ id: 'CreatedKey' });

export const keyListSchema = z.strictObject({ keys: z.array(keySchema) }).meta({ id: 'KeyList' });

export const auditEntrySchema = z
  .strictObject({
    id: z.string(),
    at: time,
    actor: z.string(),
    action: z.string(),
    target: z.string(),
    details: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditEntry' });

export const auditListSchema = z.strictObject({ entries: z.array(auditEntrySchema) }).meta({ id: 'AuditList' });
