import { brandAs, type DomainName, type RegionId } from '@parley/domain';
import {
  createAdminStore,
  createDirectory,
  createMoving,
  type AdminStore,
  type Database,
  type Moving,
  type MoveStatus,
  type MoveWish,
  type NewHome,
  type OpenDirectory,
  type OtherRegions,
  OutboxRelayStore,
} from '../src';
import { TestDatabases } from './test-database';

export const EU = { id: brandAs<RegionId>('eu-1'), number: 1 };
export const US = { id: brandAs<RegionId>('us-1'), number: 2 };
export const DOMAIN = brandAs<DomainName>('moves.example');
export const SECRET = 'the-secret-of-a-backend';

export const WISH = { to: US.id, closeRooms: false };

/** One region: a database with master keys of its own, and what operators do there. */
export interface Region {
  readonly db: Database;
  readonly admin: AdminStore;
  moving: Moving;
}

/** Two regions that share a directory and call each other directly. */
export class MovingWorld {
  /** Called before and after each call between the regions; may throw, or hold it. */
  onCall: (call: string) => void | Promise<void> = () => undefined;
  /** Called when the rooms of a domain that moves were closed; may fail. */
  onClosed: () => Promise<void> = () => Promise.resolve();
  readonly eu: Region;
  readonly us: Region;

  private constructor(
    private readonly databases: TestDatabases,
    readonly directory: OpenDirectory,
    handles: { readonly eu: Database; readonly us: Database },
  ) {
    const regionOn = (db: Database): Region => {
      const admin = createAdminStore(db, directory, { now: () => new Date() });
      return { db, admin, moving: this.movingOf(db) };
    };
    this.eu = regionOn(handles.eu);
    this.us = regionOn(handles.us);
  }

  static async start(): Promise<MovingWorld> {
    const databases = await TestDatabases.start();
    const key = (id: string, byte: number) => `${id}:${Buffer.alloc(32, byte).toString('base64')}`;
    const { db: eu } = await databases.open({ region: EU, masterKeys: key('eu', 1) });
    const { db: us } = await databases.open({ region: US, masterKeys: key('us', 2) });
    const directory = createDirectory({ url: await databases.postgres.createDatabase() });
    return new MovingWorld(databases, directory, { eu, us });
  }

  /** As another process of this region would have it. */
  movingOf(db: Database): Moving {
    return createMoving(db, this.directory, {
      others: this.others(),
      closeRooms: async (domain) => {
        const open = await db.stores.rooms.listOpen(domain);
        await db.movingUow.run(async ({ rooms }) => {
          for (const { id } of open) await rooms.close(id, new Date());
        });
        await this.onClosed();
      },
      onLag: () => undefined,
      clock: { now: () => new Date() },
    });
  }

  /** What a dispatcher does. */
  async relay({ db }: Region): Promise<void> {
    await new OutboxRelayStore(db.prisma).relay(100);
  }

  async close(): Promise<void> {
    await this.directory.close();
    await this.databases.close();
  }

  private others(): OtherRegions {
    const regionOf = (id: RegionId) => (id === US.id ? this.us : this.eu);
    return {
      newHome: (id) => Promise.resolve(this.watched(() => regionOf(id).moving.arrivals)),
      giveAccount: async (id, account) => {
        await this.onCall('account');
        return regionOf(id).moving.accounts.accept(account);
      },
    };
  }

  /** Rows travel as JSON, as between two real regions; each call breaks before it is made, or after it was. */
  private watched(home: () => NewHome): NewHome {
    const call = async <Answer>(name: string, work: () => Promise<Answer>): Promise<Answer> => {
      await this.onCall(`before ${name}`);
      const answer = await work();
      await this.onCall(`after ${name}`);
      return answer;
    };
    const wired = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;
    return {
      conflicts: (domain, ids) => home().conflicts(domain, ids),
      prepare: (domain, row, asOf) => call('prepare', () => home().prepare(domain, wired(row), asOf)),
      put: (domain, table, rows, asOf) => call(`put ${table}`, () => home().put(domain, table, wired(rows), asOf)),
      counts: (domain) => call('counts', () => home().counts(domain)),
      activate: (domain, epoch) => call('activate', () => home().activate(domain, epoch)),
      abandon: (domain, asOf) => call('abandon', () => home().abandon(domain, asOf)),
    };
  }
}

/** Steps until the move is there: whatever transaction is under way, as on a busy machine, is waited for. */
export async function moveUntil(
  phase: MoveStatus['phase'],
  { moving }: Region,
  wish: MoveWish = WISH,
): Promise<MoveStatus> {
  let status: MoveStatus | undefined;
  for (let steps = 0; steps < 500; steps += 1) {
    status = await moving.moves.step('root', DOMAIN, wish);
    if (status.phase === phase) return status;
  }
  throw new Error(`the move does not get to ${phase}: ${JSON.stringify(status)}`);
}

/** An account with a domain in the region that has something in every table. */
export async function fillDomain({ db, admin }: Region): Promise<void> {
  await admin.accounts.create('root', { slug: 'acme', authId: 'auth-acme', secret: 'acme-secret' });
  await admin.domains.create('root', {
    name: DOMAIN,
    account: 'acme',
    hosts: ['rooms.moves.example'],
    webhookKey: 'hook',
  });
  const { prisma, sealer } = db;
  const domainName = DOMAIN;
  const at = new Date('2026-11-21T12:00:00.123Z');
  const seal = (table: string, row: string, column: string) => sealer.seal({ table, row, column }, SECRET);
  await prisma.room.create({
    data: {
      ...{ id: 'rs_eu-1_1', domainName, name: 'a', openedBy: 'api', type: 'webinar', locked: false, capacity: 7 },
      ...{ passwordSealed: seal('Room', 'rs_eu-1_1', 'password'), openedAt: at, closedAt: at, peerCursor: 12n },
      peersTold: { create: { sessionId: 's', payload: { name: 'Ann' }, joinedAt: at } },
    },
  });
  await prisma.roomSequence.create({ data: { domainName, roomName: 'a', value: 3 } });
  await prisma.booking.create({ data: { id: 'bk_1', domainName, roomName: 'b', validUntil: new Date('2030-01-01') } });
  await prisma.robot.create({ data: { id: 1025n, domainName, name: 'robot', connectKeyHash: 'hash' } });
  await prisma.webhook.create({
    data: {
      ...{ id: 2049n, domainName, type: 'url', url: 'https://r.example/', validated: true, provenAt: at },
      secrets: { create: { id: 'sec_1', secretSealed: seal('WebhookSecret', 'sec_1', 'secret') } },
      validations: { create: { id: 'val_1', cause: 'added', startedAt: at, durationMs: 3, passed: true } },
    },
  });
  await prisma.outboxEvent.createMany({
    data: Array.from({ length: 1_450 }, (_, index) => ({
      ...{ id: `evt_${index}`, domainName, roomName: 'a', seq: index, type: 'room.created', payload: { index } },
      ...{ occurredAt: at, relayedAt: at, position: BigInt(5_000 + index) },
    })),
  });
  await prisma.webhookDelivery.createMany({
    data: Array.from({ length: 1_450 }, (_, index) => ({
      ...{ id: `dlv_${index}`, eventId: `evt_${index}`, webhookId: 2049n, position: BigInt(5_000 + index) },
      ...(index === 0
        ? { state: 'pending' as const, nextAttemptAt: at }
        : { state: 'delivered' as const, attempts: 1 }),
    })),
  });
  await prisma.webhookAttempt.create({
    data: {
      id: 'att_1',
      deliveryId: 'dlv_1',
      number: 1,
      startedAt: at,
      durationMs: 5,
      outcome: 'delivered',
      status: 200,
    },
  });
  await prisma.backend.create({
    data: { id: 'nc', domainName, urls: ['https://nc.example/'], secretSealed: seal('Backend', 'nc', 'secret') },
  });
  await prisma.bigBlueButtonSecret.create({
    data: { id: 'bbb_1', domainName, label: 'l', secretSealed: seal('BigBlueButtonSecret', 'bbb_1', 'secret') },
  });
  await prisma.arbiterPath.create({ data: { path: 'moves', domainName } });
  await prisma.arbiterSfu.create({ data: { id: 'sfu_1', domainName, address: 'sfu.example' } });
  await prisma.spreedWebrtcUser.create({
    data: { id: 'su_1', domainName, userId: 'ann', secretSealed: seal('SpreedWebrtcUser', 'su_1', 'secret') },
  });
}
