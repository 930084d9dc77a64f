import { AdminError } from '../admin/admin-error';
import { insertOperatorKey } from '../admin/operator-keys';
import { createAdminStore, type AdminStore } from '../admin/admin-store';
import { writeAudit } from '../admin/audit';
import { createDatabase, type Database } from '../database';
import { createDirectory, type DirectoryStore } from '../directory/directory';
import { isUniqueViolation } from '../prisma-errors';
import type { RegionIdentity } from '../unit-of-work';

/** Who the audit log names for what a first start makes. */
export const BOOTSTRAP = 'bootstrap';

const DEMO_SLUG = 'demo';

export interface SeedDemoOptions {
  readonly databaseUrl: string;
  /** The directory's database; may be the same. */
  readonly directoryUrl: string;
  readonly region: RegionIdentity;
  readonly masterKeys: string;
  readonly demo: {
    readonly authId: string;
    readonly secret: string;
    readonly domain: string;
    readonly webhookKey: string;
    /** `demo` by default. */
    readonly slug?: string;
  };
  /** The operator's bearer key, stored as `bootstrap`. */
  readonly adminKey: string;
}

/**
 * Makes what the first minute needs: the demo account (which may use keys that sign no body), its domain (which allows
 * plain http and loopback receivers), the operator key `bootstrap` and their directory rows. What is there is left alone,
 * also when it differs.
 * @returns what was made, e.g. `['account', 'domain', 'operator-key']`; empty at the second time
 */
export async function seedDemo(options: SeedDemoOptions): Promise<string[]> {
  const { databaseUrl: url, masterKeys, region } = options;
  const database = createDatabase({ url, masterKeys, region, poolSize: 2 });
  const directory = createDirectory({ url: options.directoryUrl, poolSize: 2 });
  try {
    const admin = createAdminStore(database, directory, { now: () => new Date() });
    const made: string[] = [];
    if (await seedAccount(admin, options.demo)) made.push('account');
    else await directory.addAccount(options.demo.authId, region.id);
    if (await seedDomain(admin, directory, options)) made.push('domain');
    if (await seedOperatorKey(database, options.adminKey)) made.push('operator-key');
    return made;
  } finally {
    await Promise.all([database.close(), directory.close()]);
  }
}

async function seedAccount(admin: AdminStore, demo: SeedDemoOptions['demo']): Promise<boolean> {
  const { slug = DEMO_SLUG, authId, secret } = demo;
  return isNew(admin.accounts.create(BOOTSTRAP, { slug, authId, secret, legacyKeys: true }));
}

async function seedDomain(admin: AdminStore, directory: DirectoryStore, options: SeedDemoOptions): Promise<boolean> {
  const { slug = DEMO_SLUG, domain: name, webhookKey } = options.demo;
  const present = (await admin.domains.list()).find((each) => each.name === name.toLowerCase());
  if (!present) {
    return isNew(admin.domains.create(BOOTSTRAP, { name, account: slug, webhookKey, insecureWebhooks: true }));
  }
  // The directory may be younger than the region's database.
  if ((await directory.domain(present.name)) === null) {
    const { strictResidency } = present;
    await directory.claimDomain(present.name, { region: options.region.id, epoch: 1, strictResidency });
    await directory.setHosts(present.name, present.hosts);
  }
  return false;
}

/** Stores the operator key `bootstrap`; false, and nothing changed, when a key of that name is or was there. */
export async function seedOperatorKey(database: Database, key: string): Promise<boolean> {
  const at = new Date();
  const insert = database.prisma.$transaction(async (tx) => {
    await insertOperatorKey(tx, { name: BOOTSTRAP, key, at });
    await writeAudit(tx, { at, actor: BOOTSTRAP, action: 'operator-key.create', target: BOOTSTRAP, details: {} });
  });
  return isNew(insert);
}

/** False when it was there already, or the region is being emptied. */
async function isNew(made: Promise<unknown>): Promise<boolean> {
  try {
    await made;
    return true;
  } catch (error) {
    const refused = error instanceof AdminError && (error.code === 'taken' || error.code === 'elsewhere');
    if (isUniqueViolation(error) || refused) return false;
    throw error;
  }
}
