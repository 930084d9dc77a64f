import { isIP } from 'node:net';
import { parseDomainName, type BackendNaming, type Clock, type DomainName, type JsonObject } from '@parley/domain';
import { backendBaseUrl } from '../backend-url';
import type { Database } from '../database';
import type { BackendModel } from '../generated/models';
import { isUniqueViolation } from '../prisma-errors';
import type { Connection } from '../prisma-client';
import { AdminError } from './admin-error';
import { writeAudit } from './audit';
import { BackendSecrets } from './backend-secrets';

/** What operators set for a backend besides its secrets. */
interface BackendSettings {
  readonly id: string;
  /** Base URLs of one and the same Nextcloud. */
  readonly urls: readonly string[];
  readonly sessionLimit: number | null;
  /** Bits per second. */
  readonly maxStreamBitrate: number | null;
  readonly maxScreenBitrate: number | null;
  readonly foreignEntry: boolean;
  /** Address ranges (CIDR) its URLs may lead to although they are not public. */
  readonly allowPrivate: readonly string[];
}

/** A Nextcloud backend without its secrets. */
export interface BackendRecord extends BackendSettings {
  readonly domain: DomainName;
  readonly hasInternalSecret: boolean;
  readonly createdAt: Date;
}

export interface NewBackend extends BackendSettings {
  readonly domain: string;
  readonly secret: string;
  readonly internalSecret?: string;
}

/** What can be changed of a backend; what is absent stays. */
export type BackendChanges = Partial<Omit<BackendSettings, 'id'>> & {
  readonly secret?: string;
  /** Null: it has no internal clients any more. */
  readonly internalSecret?: string | null;
};

/** Nextcloud backends, as operators manage them. Whoever changes one rings the gateways' bell afterwards. */
export class BackendAdmin {
  private readonly secrets: BackendSecrets;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    this.secrets = new BackendSecrets(database.sealer);
  }

  /** @throws AdminError invalid (a URL), taken (the id, a URL or a secret), not_found (the domain, in this region) */
  async create(actor: string, input: NewBackend): Promise<BackendRecord> {
    const urls = checkedUrls(input);
    const { prisma } = this.database;
    const { id, secret, internalSecret, domain: domainText, ...settings } = input;
    const domainName = parseDomainName(domainText);
    if (!domainName.ok) throw new AdminError('invalid', domainName.error);
    const at = this.clock.now();
    const data = {
      ...settings,
      secretSealed: this.secrets.seal(id, 'secret', secret),
      internalSecretSealed: this.sealedInternal(id, internalSecret ?? null),
      id,
      urls,
      allowPrivate: [...settings.allowPrivate],
      domainName: domainName.value,
      createdAt: at,
    };
    try {
      return await prisma.$transaction(async (tx) => {
        await lockBackends(tx);
        await assertDomain(tx, domainName.value);
        await assertFreeUrls(tx, id, urls);
        await this.secrets.assertOwn(tx, id, [secret, internalSecret]);
        // Decided once: names of open rooms must not change when backends come and go.
        const scopesRooms = !(await mayUsePlainNames(tx, domainName.value, id));
        const created = await tx.backend.create({ data: { ...data, scopesRooms } });
        const details = { domain: domainName.value, urls, sessionLimit: input.sessionLimit };
        await writeAudit(tx, { at, actor, action: 'backend.create', target: id, details });
        return toRecord(created);
      });
    } catch (error) {
      if (isUniqueViolation(error)) throw new AdminError('taken', `There is a backend ${id} already.`);
      throw error;
    }
  }

  /**
   * Changes a backend; its sessions stay. Secrets that it gets are the only ones from then on.
   * @throws AdminError invalid (a URL), taken (a URL or a secret), not_found
   */
  async update(actor: string, id: string, changes: BackendChanges): Promise<BackendRecord> {
    const { secret, internalSecret, ...settings } = changes;
    const at = this.clock.now();
    return this.database.prisma.$transaction(async (tx) => {
      await lockBackends(tx);
      const present = await tx.backend.findUnique({ where: { id } });
      if (present === null) throw noBackend(id);
      const urls = checkedUrls({ ...present, ...settings });
      await assertFreeUrls(tx, id, urls);
      await this.secrets.assertOwn(tx, id, [secret, internalSecret]);
      const { allowPrivate = present.allowPrivate } = settings;
      const data = {
        ...settings,
        urls,
        allowPrivate: [...allowPrivate],
        ...(secret === undefined ? {} : { secretSealed: this.secrets.seal(id, 'secret', secret) }),
        ...(internalSecret === undefined ? {} : { internalSecretSealed: this.sealedInternal(id, internalSecret) }),
      };
      const updated = await tx.backend.update({ where: { id }, data });
      await writeAudit(tx, { at, actor, action: 'backend.update', target: id, details: detailsOf(changes) });
      return toRecord(updated);
    });
  }

  private sealedInternal(id: string, secret: string | null): string | null {
    return secret === null ? null : this.secrets.seal(id, 'internalSecret', secret);
  }

  /** All backends of this region by id. */
  async list(): Promise<BackendRecord[]> {
    return (await this.database.prisma.backend.findMany({ orderBy: { id: 'asc' } })).map(toRecord);
  }

  /**
   * Shuts a backend out. The gateways end its sessions as soon as they know; its rooms are to be closed by the caller.
   * @returns where its rooms are, and how they are called
   * @throws AdminError not_found
   */
  async delete(actor: string, id: string): Promise<BackendNaming & { readonly domain: DomainName }> {
    const at = this.clock.now();
    return this.database.prisma.$transaction(async (tx) => {
      const row = await tx.backend.findUnique({ where: { id } });
      const { count } = await tx.backend.deleteMany({ where: { id } });
      if (row === null || count === 0) throw noBackend(id);
      await writeAudit(tx, { at, actor, action: 'backend.delete', target: id, details: {} });
      return { id, scopesRooms: row.scopesRooms, domain: toRecord(row).domain };
    });
  }
}

function checkedUrls({ urls, allowPrivate }: Pick<BackendSettings, 'urls' | 'allowPrivate'>): string[] {
  const checked = urls.map((text) => {
    const url = backendBaseUrl(text);
    if (url === undefined) throw new AdminError('invalid', `${text} is no base URL of a backend.`);
    const { protocol, hostname } = new URL(url);
    if (protocol === 'http:' && allowPrivate.length === 0) {
      throw new AdminError('invalid', `${text}: plain http is for the ranges of allowPrivate only, and it is empty.`);
    }
    if (isIP(hostname.replace(/^\[|\]$/g, '')) === 0 && !hostname.includes('.') && allowPrivate.length === 0) {
      throw new AdminError('invalid', `${text}: a name without a dot is none of the public internet.`);
    }
    return url;
  });
  return [...new Set(checked)];
}

/** One change at a time: no index can say that two lists share a URL, or two seals a secret. */
async function lockBackends(tx: Connection): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('parley.backends'))`;
}

async function assertDomain(tx: Connection, name: DomainName): Promise<void> {
  if (await tx.domain.findUnique({ where: { name }, select: { name: true } })) return;
  throw new AdminError('not_found', `There is no domain ${name} in this region.`);
}

async function assertFreeUrls(tx: Connection, id: string, urls: readonly string[]): Promise<void> {
  const taken = { urls: { hasSome: [...urls] }, id: { not: id } };
  const owner = await tx.backend.findFirst({ where: taken, select: { id: true } });
  if (owner) throw new AdminError('taken', `The backend ${owner.id} has one of these URLs already.`);
}

/** What was changed; of secrets only that they were. */
function detailsOf({ secret, internalSecret, urls, allowPrivate, ...plain }: BackendChanges): JsonObject {
  return {
    ...plain,
    ...(urls === undefined ? {} : { urls: [...urls] }),
    ...(allowPrivate === undefined ? {} : { allowPrivate: [...allowPrivate] }),
    ...(secret === undefined ? {} : { secret: 'renewed' }),
    ...(internalSecret === undefined ? {} : { internalSecret: internalSecret === null ? 'removed' : 'renewed' }),
  };
}

function noBackend(id: string): AdminError {
  return new AdminError('not_found', `There is no backend ${id}.`);
}

/**
 * The plain names belong to the first backend a domain ever had, also after it is removed: its sessions may still be in
 * rooms that are called so.
 */
async function mayUsePlainNames(tx: Connection, domainName: DomainName, id: string): Promise<boolean> {
  if ((await tx.backend.count({ where: { domainName, scopesRooms: false } })) > 0) return false;
  const first = await tx.auditEntry.findFirst({
    where: { action: 'backend.create', details: { path: ['domain'], equals: domainName } },
    orderBy: [{ at: 'asc' }, { id: 'asc' }],
  });
  return first === null || first.target === id;
}

function toRecord(row: BackendModel): BackendRecord {
  const { secretSealed: _, internalSecretSealed, domainName, scopesRooms: __, ...rest } = row;
  const domain = parseDomainName(domainName);
  if (!domain.ok) throw new Error('a stored domain has an impossible name');
  return { ...rest, domain: domain.value, hasInternalSecret: internalSecretSealed !== null };
}
