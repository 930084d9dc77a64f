import { brandAs, type Clock, type DomainName, type RegionId } from '@parley/domain';
import { AdminError } from '../admin/admin-error';
import type { AccountCopies } from '../admin/account-copies';
import { writeAudit } from '../admin/audit';
import type { Database } from '../database';
import type { DirectoryStore } from '../directory/directory';
import { Prisma } from '../generated/client';
import type { DomainMoveModel } from '../generated/models';
import type { Connection } from '../prisma-client';
import { asMover, countRows, deleteRows, keyColumns, readRows } from './domain-rows';
import { holdMove, overtaken } from './fence';
import { freezeEmpty, pause, type RoomCloser, STEP_MS, stillUnderWay, unfreeze } from './freezing';
import { planOf } from './plan';
import type { MovePlan, MoveStatus, NewHome, OtherRegions, RowCounts } from './port';
import { opened } from './row-secrets';
import { type Row, TENANT_TABLES, tenantTable } from './tables';

/** Rows that travel together at most. */
const PAGE = 1_000;
const DELETE_PAGE = 2_000;

export interface MoveWish {
  readonly to: RegionId;
  /** Closes the domain's open rooms; without it a domain with open rooms stays. */
  readonly closeRooms: boolean;
}

/**
 * Moves domains out of this region, a step at a time. How far a move is stands in the database, and each step may be
 * repeated: whoever drives it, or this process, may die anywhere, and the next call goes on.
 */
export class DomainMoves {
  constructor(
    private readonly database: Database,
    private readonly directory: DirectoryStore,
    private readonly others: OtherRegions,
    private readonly accounts: AccountCopies,
    private readonly closeRooms: RoomCloser,
    private readonly clock: Clock,
  ) {}

  /** What a move would do; changes nothing. @throws AdminError not_found, DomainError unavailable */
  async plan(domain: DomainName, to: RegionId): Promise<MovePlan> {
    const { directory, others } = this;
    return planOf(this.database, { directory, others }, domain, to);
  }

  /** How far the domain's last move is. @throws AdminError not_found */
  async status(domain: DomainName): Promise<MoveStatus> {
    const move = await this.find(domain);
    if (move === null) throw new AdminError('not_found', `${domain} has not been moved.`);
    return this.statusOf(move);
  }

  /**
   * Begins a move, or takes it a step further.
   * @throws AdminError not_found, rooms_open, taken, invalid (the target, or the copy does not match); DomainError
   *   unavailable when the other region does not answer: to be repeated
   */
  async step(actor: string, domain: DomainName, wish: MoveWish): Promise<MoveStatus> {
    const move = (await this.present(domain)) ?? (await this.begin(actor, domain, wish));
    if (move.target !== wish.to) throw new AdminError('taken', `${domain} is moving, or moved, to ${move.target}.`);
    const waitingFor = await this.advance(move, wish);
    return this.statusOf((await this.find(domain)) ?? move, waitingFor);
  }

  /**
   * Gives a move up: the domain is served here again. @throws AdminError not_found; invalid once the directory was told;
   * DomainError unavailable
   */
  async cancel(actor: string, domain: DomainName): Promise<void> {
    const found = await this.find(domain);
    if (found === null) throw new AdminError('not_found', `${domain} does not move.`);
    if (found.phase !== 'freezing' && found.phase !== 'copying') {
      throw new AdminError('invalid', `${domain} is at home in ${found.target}, or about to be; let the move finish.`);
    }
    const newHome = await this.others.newHome(brandAs<RegionId>(found.target));
    // Who has counted a whole copy must not go on from it.
    const move = await this.save(found, { phase: 'freezing', tableName: null });
    await newHome.abandon(domain, move.updatedAt);
    await this.database.prisma.$transaction(async (tx) => {
      await holdMove(tx, move);
      await tx.domainMove.delete({ where: { domainName: domain } });
      await unfreeze(tx, domain);
      await this.note(tx, actor, 'domain.move-cancel', move);
    });
    await this.directory.changes.setMoving(domain, this.database.region.id, false);
  }

  private find(domain: DomainName): Promise<DomainMoveModel | null> {
    return this.database.prisma.domainMove.findUnique({ where: { domainName: domain } });
  }

  /** Not what is left of the way out of a domain that was made here anew since. */
  private async present(domain: DomainName): Promise<DomainMoveModel | null> {
    const move = await this.find(domain);
    if (move?.phase !== 'done') return move;
    const where = { name: domain, region: this.database.region.id };
    return (await this.database.prisma.domain.count({ where })) > 0 ? null : move;
  }

  private async begin(actor: string, domain: DomainName, { to, closeRooms }: MoveWish): Promise<DomainMoveModel> {
    const { prisma } = this.database;
    const { obstacles, openRooms } = await this.plan(domain, to);
    if (obstacles.length > 0) throw new AdminError('invalid', obstacles.join(' '));
    if (openRooms > 0 && !closeRooms) throw new AdminError('rooms_open', `${openRooms} rooms of ${domain} are open.`);
    const { epoch } = await prisma.domain.findUniqueOrThrow({ where: { name: domain } });
    const at = this.clock.now();
    const data = { target: to, epoch: epoch + 1, actor, startedAt: at, updatedAt: at };
    return prisma.$transaction(async (tx) => {
      await tx.domainMove.deleteMany({ where: { domainName: domain, phase: 'done' } });
      const move = await tx.domainMove.upsert({
        where: { domainName: domain },
        create: { domainName: domain, ...data },
        update: {},
      });
      await this.note(tx, actor, 'domain.move', move);
      return move;
    });
  }

  /** @returns what is waited for */
  private async advance(move: DomainMoveModel, wish: MoveWish): Promise<string | null> {
    if (move.phase === 'done') return null;
    if (move.phase === 'freezing') return this.freeze(move, wish);
    if (move.phase === 'deleting') return this.delete(move);
    const newHome = await this.others.newHome(wish.to);
    return move.phase === 'copying' ? this.copy(move, newHome) : this.switch(move, newHome);
  }

  private async freeze(before: DomainMoveModel, { to, closeRooms }: MoveWish): Promise<string | null> {
    const { prisma, region } = this.database;
    // Whoever is still at an earlier step gets no further.
    const move = await this.save(before, {});
    const domain = brandAs<DomainName>(move.domainName);
    const hold = (db: Connection) => holdMove(db, move);
    await prisma.$transaction(async (tx) => {
      await hold(tx);
      await this.directory.changes.setMoving(domain, region.id, true);
    });
    const frozen = await freezeEmpty(prisma, domain, { to, closeRooms: closeRooms ? this.closeRooms : null, hold });
    if (!frozen) return 'transactions';
    const until = performance.now() + STEP_MS;
    for (;;) {
      const waitingFor = await stillUnderWay(prisma, domain);
      if (waitingFor === null) break;
      if (performance.now() > until) return waitingFor;
      await pause();
    }
    const newHome = await this.others.newHome(to);
    const row = await prisma.domain.findUniqueOrThrow({ where: { name: domain }, include: { account: true } });
    await this.accounts.hand(row.account.slug, to);
    await hold(prisma);
    await newHome.prepare(domain, await this.domainRow(domain), move.updatedAt);
    const rowsTotal = sum(await countRows(prisma, domain));
    await this.save(move, { phase: 'copying', rowsTotal, rowsDone: 0, tableName: null, cursor: Prisma.DbNull });
    return null;
  }

  private async domainRow(domain: DomainName): Promise<Row> {
    const { prisma, sealer } = this.database;
    const [found] = await prisma.$queryRaw<{ row: Row }[]>`
      SELECT to_jsonb(t) AS row FROM "Domain" t WHERE name = ${domain}`;
    if (found === undefined) throw new AdminError('not_found', `There is no domain ${domain} in this region.`);
    return opened(sealer, 'Domain', found.row);
  }

  private async copy(before: DomainMoveModel, newHome: NewHome): Promise<null> {
    const { prisma, sealer } = this.database;
    const domain = brandAs<DomainName>(before.domainName);
    const until = performance.now() + STEP_MS;
    let move = before;
    do {
      const table = move.tableName === null ? TENANT_TABLES[0] : tenantTable(move.tableName);
      if (table === undefined) throw new Error('domains have no tables');
      // Written by ourselves, as the key columns of a row.
      const after = move.cursor as Row | null;
      const rows = await readRows(prisma, table, domain, { after, limit: PAGE });
      const last = rows.at(-1);
      if (last !== undefined) {
        await newHome.put(
          domain,
          table.name,
          rows.map((row) => opened(sealer, table.name, row)),
          move.updatedAt,
        );
        const cursor = keyColumns(table, last) as Prisma.InputJsonObject;
        move = await this.save(move, { tableName: table.name, cursor, rowsDone: move.rowsDone + rows.length });
      }
      if (rows.length === PAGE) continue;
      const next = TENANT_TABLES[TENANT_TABLES.indexOf(table) + 1];
      if (next === undefined) {
        await this.confirm(move, newHome);
        return null;
      }
      move = await this.save(move, { tableName: next.name, cursor: Prisma.DbNull });
    } while (performance.now() < until);
    return null;
  }

  private async confirm(move: DomainMoveModel, newHome: NewHome): Promise<void> {
    const domain = brandAs<DomainName>(move.domainName);
    const [here, there] = [await countRows(this.database.prisma, domain), await newHome.counts(domain)];
    const differing = Object.keys(here).filter((table) => here[table] !== there[table]);
    if (differing.length > 0) {
      const named = differing.map((table) => `${table} (${here[table]} here, ${there[table] ?? 0} there)`).join(', ');
      throw new AdminError('invalid', `The copy differs in ${named}: cancel the move and begin it again.`);
    }
    await this.save(move, { phase: 'switching', tableName: null });
  }

  private async switch(move: DomainMoveModel, newHome: NewHome): Promise<null> {
    const { prisma, region } = this.database;
    const domain = brandAs<DomainName>(move.domainName);
    const where = { domainName: domain };
    const ids = { where, select: { id: true } } as const;
    const [webhooks, robots] = [await prisma.webhook.findMany(ids), await prisma.robot.findMany(ids)];
    const told = await this.directory.changes.changeHome(domain, {
      from: region.id,
      to: brandAs<RegionId>(move.target),
      epoch: move.epoch,
      webhooks: webhooks.map(({ id }) => id),
      robots: robots.map(({ id }) => id),
    });
    if (!told) throw new AdminError('taken', `The directory knows another home or epoch of ${domain}.`);
    await newHome.activate(domain, move.epoch);
    await prisma.$transaction(async (tx) => {
      await asMover(tx);
      await this.save(move, { phase: 'deleting' }, tx);
      await tx.domain.update({ where: { name: domain }, data: { region: move.target, epoch: move.epoch } });
    });
    return null;
  }

  private async delete(move: DomainMoveModel): Promise<null> {
    const { prisma } = this.database;
    const until = performance.now() + STEP_MS;
    for (const table of TENANT_TABLES.toReversed()) {
      for (;;) {
        const deleted = await prisma.$transaction(async (tx) => {
          await asMover(tx);
          // It may have come back meanwhile, or have been made here anew.
          await holdMove(tx, move);
          return deleteRows(tx, table, move.domainName, DELETE_PAGE);
        });
        if (deleted < DELETE_PAGE) break;
        // Only where there is more: a step that ended among empty tables would begin with the same ones again, for ever.
        if (performance.now() > until) return null;
      }
    }
    await prisma.$transaction(async (tx) => {
      await asMover(tx);
      await this.save(move, { phase: 'done', finishedAt: this.clock.now() }, tx);
      await tx.domain.deleteMany({ where: { name: move.domainName, region: move.target } });
      await this.note(tx, move.actor, 'domain.moved', move);
    });
    return null;
  }

  /** @throws AdminError taken when somebody else took the move further meanwhile */
  private async save(
    move: DomainMoveModel,
    changes: Prisma.DomainMoveUpdateInput,
    db: Prisma.TransactionClient = this.database.prisma,
  ): Promise<DomainMoveModel> {
    const { domainName, updatedAt } = move;
    // Each save has a time of its own, so that two that work at the same time do not both go on from the same place.
    const at = new Date(Math.max(this.clock.now().getTime(), updatedAt.getTime() + 1));
    const [saved] = await db.domainMove.updateManyAndReturn({
      where: { domainName, updatedAt },
      data: { ...changes, updatedAt: at },
    });
    if (saved === undefined) throw overtaken();
    return saved;
  }

  private note(
    tx: Prisma.TransactionClient,
    actor: string,
    action: string,
    { domainName, target, epoch }: DomainMoveModel,
  ) {
    const details = { to: target, epoch };
    return writeAudit(tx, { at: this.clock.now(), actor, action, target: domainName, details });
  }

  private statusOf(move: DomainMoveModel, waitingFor: string | null = null): MoveStatus {
    const { phase, tableName, rowsDone, rowsTotal, startedAt, finishedAt } = move;
    const [domain, to] = [brandAs<DomainName>(move.domainName), brandAs<RegionId>(move.target)];
    return { domain, to, phase, table: tableName, rowsDone, rowsTotal, waitingFor, startedAt, finishedAt };
  }
}

function sum(counts: RowCounts): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
