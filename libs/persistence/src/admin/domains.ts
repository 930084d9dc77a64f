import {
  cryptoIds,
  endOfOverlap,
  newWebhookKey,
  parseDomainName,
  type Clock,
  type DomainName,
  type RotatedWebhookKey,
} from '@parley/domain';
import type { Database } from '../database';
import type { DirectoryStore } from '../directory/directory';
import type { DomainModel } from '../generated/models';
import { forgetStray } from '../moving/arrivals';
import { isUniqueViolation } from '../prisma-errors';
import type { Connection } from '../prisma-client';
import { replaceWebhookKey, webhookKeyPlace } from '../stores/tenancy.store';
import { noAccount } from './accounts';
import { AdminError } from './admin-error';
import { writeAudit } from './audit';
import { lockDomainName } from './domain-lock';

/** What operators set for a domain. The seconds are until a room closes by itself; null: never. */
export interface DomainSettings {
  readonly capacity: number;
  readonly visitorsMayOpen: boolean;
  readonly strictResidency: boolean;
  readonly visitorUnenteredSeconds: number | null;
  readonly visitorEmptySeconds: number | null;
  readonly apiUnenteredSeconds: number | null;
  readonly apiEmptySeconds: number | null;
  /** How long events, deliveries and attempts are kept. */
  readonly webhookRetentionDays: number;
}

/** A domain without its webhook key. */
export interface DomainRecord extends DomainSettings {
  readonly name: DomainName;
  readonly accountId: string;
  readonly region: string;
  readonly insecureWebhooks: boolean;
  /** On its way to this region; null: it stays. */
  readonly movingTo: string | null;
  /** Host names that lead to it. */
  readonly hosts: readonly string[];
  readonly createdAt: Date;
}

export interface NewDomain extends Partial<DomainSettings> {
  readonly name: string;
  /** Slug of the account it is to belong to. */
  readonly account: string;
  readonly hosts?: readonly string[];
  /** Made up if absent. */
  readonly webhookKey?: string;
  /** Plain http and loopback receivers; for the demo domain only, so the operator's REST does not offer it. */
  readonly insecureWebhooks?: boolean;
}

/**
 * Domains of this region, as operators manage them. The directory is written before a name is used here and after it is
 * given up, so two regions never hold the same one; a call that failed half-way can be repeated.
 */
export class DomainAdmin {
  constructor(
    private readonly database: Database,
    private readonly directory: DirectoryStore,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes a domain at home in this region. Its webhook key is shown only here.
   * @throws AdminError invalid (the name), taken (the name or a host, in any region), not_found (the account), elsewhere
   *   (the region is being emptied)
   */
  async create(actor: string, input: NewDomain): Promise<DomainRecord & { readonly webhookKey: string }> {
    const { name: text, account: slug, hosts = [], webhookKey = newWebhookKey(cryptoIds), ...settings } = input;
    const name = checkedName(text);
    const { prisma, sealer, region } = this.database;
    const account = await prisma.account.findUnique({ where: { slug } });
    if (!account) throw noAccount(slug);
    const at = this.clock.now();
    // Before the name is claimed: from then on this region is its home, and what is there might be arriving.
    await prisma.$transaction((tx) => forgetStray(tx, region.id, this.directory, name));
    try {
      await prisma.$transaction(async (tx) => {
        // From the claim until the row is there nobody may give the name up.
        await lockDomainName(tx, name);
        if (await tx.domain.findUnique({ where: { name }, select: { name: true } })) throw taken(name);
        await this.assertTakesNew();
        await this.claim(name, settings.strictResidency ?? false, hosts);
        const webhookKeySealed = sealer.seal(webhookKeyPlace(name), webhookKey);
        await tx.domain.create({
          data: { ...settings, name, accountId: account.id, region: region.id, webhookKeySealed, createdAt: at },
        });
        await replaceHosts(tx, name, hosts);
        const details = { account: slug, hosts: [...hosts], ...settings };
        await writeAudit(tx, { at, actor, action: 'domain.create', target: name, details });
      });
    } catch (error) {
      if (isUniqueViolation(error)) throw taken(name);
      throw error;
    }
    await this.directory.addAccount(account.authId, region.id);
    return { ...(await this.get(name)), webhookKey };
  }

  /**
   * Changes what is given. This writes no rooms: those that are open have a new capacity when the caller sees to it, at the
   * latest when rooms are compared with their domains, every 30 s.
   * @throws AdminError not_found, taken (a host, or somebody is at it for seconds)
   */
  async update(
    actor: string,
    name: DomainName,
    changes: Partial<DomainSettings> & { readonly hosts?: readonly string[] },
  ): Promise<DomainRecord> {
    const { hosts, ...settings } = changes;
    const at = this.clock.now();
    await this.database.prisma.$transaction(async (tx) => {
      await lockDomainName(tx, name);
      const present = await this.read(tx, name);
      await this.claim(name, settings.strictResidency ?? present.strictResidency, hosts ?? present.hosts);
      await tx.domain.update({ where: { name }, data: settings });
      if (hosts) await replaceHosts(tx, name, hosts);
      const details = { ...settings, ...(hosts ? { hosts: [...hosts] } : {}) };
      await writeAudit(tx, { at, actor, action: 'domain.update', target: name, details });
    });
    return this.get(name);
  }

  /** All domains of this region by name. */
  async list(): Promise<DomainRecord[]> {
    const rows = await this.database.prisma.domain.findMany({
      where: { region: this.database.region.id },
      orderBy: { name: 'asc' },
      include: { hosts: true },
    });
    return rows.map(toRecord);
  }

  /** @throws AdminError not_found */
  async get(name: DomainName): Promise<DomainRecord> {
    return this.read(this.database.prisma, name);
  }

  private async read(db: Connection, name: DomainName): Promise<DomainRecord> {
    const row = await db.domain.findUnique({ where: { name }, include: { hosts: true } });
    // One that is on its way here, or has left, is another region's.
    if (row?.region !== this.database.region.id) throw noDomain(name);
    return toRecord(row);
  }

  /**
   * Gives the domain a new webhook key, which is shown only here. For `overlapHours` the former one counts as well; one
   * before that is void at once.
   * @throws AdminError not_found
   * @throws DomainError invalid_input (the hours)
   */
  async rotateWebhookKey(actor: string, name: DomainName, overlapHours: number): Promise<RotatedWebhookKey> {
    const { prisma, sealer } = this.database;
    const webhookKey = newWebhookKey(cryptoIds);
    const at = this.clock.now();
    const formerSignsUntil = endOfOverlap(overlapHours, at);
    await prisma.$transaction(async (tx) => {
      const replaced = await replaceWebhookKey(tx, sealer, { name, webhookKey, formerUntil: formerSignsUntil });
      if (!replaced) throw noDomain(name);
      const details = { overlapHours };
      await writeAudit(tx, { at, actor, action: 'domain.rotate-webhook-key', target: name, details });
    });
    return { webhookKey, formerSignsUntil };
  }

  /**
   * Deletes a domain with all it has: bookings, webhooks, the record of its rooms, events. When it fails, or the process dies,
   * before the name is free again, it may be repeated.
   * @throws AdminError not_found, rooms_open, taken (somebody is at it for seconds)
   */
  async delete(actor: string, name: DomainName): Promise<void> {
    const at = this.clock.now();
    const { prisma, region } = this.database;
    const deleted = await prisma.$transaction(async (tx) => {
      await lockDomainName(tx, name);
      await forgetStray(tx, region.id, this.directory, name);
      // The row's lock keeps rooms from being opened meanwhile: they refer to it.
      const [locked] = await tx.$queryRaw<unknown[]>`SELECT 1 FROM "Domain" WHERE "name" = ${name} FOR UPDATE`;
      if (locked === undefined) return false;
      const open = await tx.room.count({ where: { domainName: name, closedAt: null } });
      if (open > 0) throw new AdminError('rooms_open', `${open} rooms of ${name} are open.`);
      await tx.domain.delete({ where: { name } });
      // Whoever gets the name next reads events by it. Afterwards: what was written to the end is there now.
      await tx.outboxEvent.deleteMany({ where: { domainName: name } });
      await tx.roomSequence.deleteMany({ where: { domainName: name } });
      await writeAudit(tx, { at, actor, action: 'domain.delete', target: name, details: {} });
      return true;
    });
    const released = await this.release(name);
    if (!deleted && !released) throw noDomain(name);
  }

  /**
   * Gives up a name that no domain of this region has, or has again.
   * @returns false when there was nothing to give up
   */
  private async release(name: DomainName): Promise<boolean> {
    const { prisma, region } = this.database;
    return prisma.$transaction(async (tx) => {
      await lockDomainName(tx, name);
      if ((await tx.domain.count({ where: { name } })) > 0) return false;
      if ((await this.directory.domain(name))?.region !== region.id) return false;
      await this.directory.releaseDomain(name, region.id);
      return true;
    });
  }

  /** @throws AdminError elsewhere */
  private async assertTakesNew(): Promise<void> {
    const { id } = this.database.region;
    const state = (await this.directory.regions()).find((region) => region.id === id)?.state ?? 'serving';
    if (state === 'serving') return;
    throw new AdminError('elsewhere', `${id} is ${state} and takes nothing new: make the domain in another region.`);
  }

  private async claim(name: DomainName, strictResidency: boolean, hosts: readonly string[]): Promise<void> {
    const region = this.database.region.id;
    const known = await this.directory.domain(name);
    const claimed = await this.directory.claimDomain(name, { region, epoch: known?.epoch ?? 1, strictResidency });
    if (!claimed) throw taken(name);
    const foreign = await this.setHosts(name, hosts.map(lowerCase));
    if (foreign.length === 0) return;
    // A name that was free before this call is free again.
    if (known === null) await this.directory.releaseDomain(name, region);
    throw new AdminError('taken', `Another domain has the host ${foreign.join(', ')}.`);
  }

  /** @returns those that belong to another domain, also when it took one in this very moment */
  private async setHosts(name: DomainName, hosts: readonly string[]): Promise<readonly string[]> {
    try {
      return await this.directory.setHosts(name, hosts);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      const owners = await Promise.all(hosts.map((host) => this.directory.host(host)));
      const foreign = hosts.filter((_, index) => owners[index] !== null && owners[index] !== name);
      // Whoever took one may have given it up again: which one is not known then.
      return foreign.length > 0 ? foreign : hosts;
    }
  }
}

async function replaceHosts(tx: Connection, name: DomainName, hosts: readonly string[]): Promise<void> {
  await tx.domainHost.deleteMany({ where: { domainName: name } });
  await tx.domainHost.createMany({
    data: [...new Set(hosts.map(lowerCase))].map((host) => ({ host, domainName: name })),
  });
}

function toRecord(row: DomainModel & { hosts: Array<{ host: string }> }): DomainRecord {
  const { epoch: _, webhookKeySealed: __, previousWebhookKeySealed: ___, previousWebhookKeyUntil: ____, ...rest } = row;
  return { ...rest, name: checkedName(row.name), hosts: row.hosts.map(({ host }) => host).sort() };
}

function checkedName(text: string): DomainName {
  const name = parseDomainName(text);
  if (!name.ok) throw new AdminError('invalid', name.error);
  return name.value;
}

function lowerCase(host: string): string {
  return host.toLowerCase();
}

function taken(name: DomainName): AdminError {
  return new AdminError('taken', `There is a domain ${name} already.`);
}

function noDomain(name: DomainName): AdminError {
  return new AdminError('not_found', `There is no domain ${name} in this region.`);
}
