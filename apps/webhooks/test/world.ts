import { randomBytes } from 'node:crypto';
import {
  brandAs,
  type DomainName,
  type RegionId,
  type Room,
  type RoomName,
  type RoomSessionId,
  type WebhookId,
} from '@parley/domain';
import { createDatabase, type Database } from '@parley/persistence';
import { ringOutboxBell } from '@parley/server-kit';
import {
  eventually,
  startPostgres,
  startReceiver,
  startRedis,
  type Receiver,
  type TestPostgres,
  type TestRedis,
} from '@parley/testing';
import { Redis } from 'ioredis';
import { readConfig } from '../src/config';
import type { DispatcherTuning } from '../src/dispatcher.module';
import { startWebhooks } from '../src/start';

export const WEBHOOK_KEY = '54ed8ea9722c38499ea8dbbeca19762e';
const MASTER_KEYS = `k1:${randomBytes(32).toString('base64')}`;
const REGION = { id: brandAs<RegionId>('eu-1'), number: 1 };

type DatabaseMaker = Pick<TestPostgres, 'createDatabase' | 'close'>;

export type RunningDispatcher = Awaited<ReturnType<typeof startWebhooks>>;

/** Times of the dispatcher: what tests wait for is short, the rest lasts longer than a busy machine stands still. */
const FAST = {
  WEBHOOKS_POLL_MS: '50',
  WEBHOOKS_SWEEP_MS: '100',
  WEBHOOKS_DOUBT_AFTER_MS: '10000',
  WEBHOOKS_VALIDATION_DEADLINE_MS: '10000',
  WEBHOOKS_DRAIN_MS: '100',
};

/**
 * For tests that lose jobs. On a busy machine a job is in the queue that late; who doubts it before makes it anew again and
 * again.
 */
export const LOSES_JOBS = { WEBHOOKS_DOUBT_AFTER_MS: '2000' };

interface WebhookOptions {
  readonly roomName?: string | null;
  readonly validated?: boolean;
  readonly order?: 'fifo' | 'unordered';
}

/** The world around the dispatcher: real PostgreSQL and Redis, receivers, and the api's side of the database. */
export class World {
  private readonly closers: (() => Promise<unknown>)[] = [];
  private domains = 0;

  private constructor(
    private readonly postgres: DatabaseMaker,
    readonly redis: TestRedis,
    readonly databaseUrl: string,
    readonly database: Database,
    readonly redisClient: Redis,
  ) {}

  /** @param openPostgres a server of its own, for tests that end it */
  static async create(openPostgres: () => Promise<DatabaseMaker> = startPostgres): Promise<World> {
    const [postgres, redis] = await Promise.all([openPostgres(), startRedis()]);
    const url = await postgres.createDatabase();
    const client = new Redis(redis.url);
    const wakeRelay = (): void => void ringOutboxBell(client).catch(() => undefined);
    const database = createDatabase({ url, masterKeys: MASTER_KEYS, region: REGION, wakeRelay });
    await database.prisma.account.create({
      data: {
        id: 'acc_1',
        slug: 'acme',
        authId: 'acme',
        secretSealed: database.sealer.seal({ table: 'Account', row: 'acc_1', column: 'secret' }, 's'),
      },
    });
    return new World(postgres, redis, url, database, client);
  }

  /** Ends what the test opened; the servers stay. */
  async endTest(): Promise<void> {
    for (const close of this.closers.splice(0).reverse()) await close();
    await this.redisClient.flushall();
  }

  async close(): Promise<void> {
    this.redisClient.disconnect();
    await this.database.close();
    await this.postgres.close();
    await this.redis.close();
  }

  async receiver(): Promise<Receiver> {
    const receiver = await startReceiver();
    this.closers.push(() => receiver.close());
    return receiver;
  }

  /** What a dispatcher reads; `env` overrides it. */
  environment(env: Record<string, string> = {}): Record<string, string> {
    return {
      NODE_ENV: 'test',
      PORT: '0',
      LOG_LEVEL: 'silent',
      PARLEY_REGION: REGION.id,
      PARLEY_REGION_NUMBER: String(REGION.number),
      PUBLIC_URL: 'http://127.0.0.1',
      PARLEY_INTERNAL_SECRET: 'x'.repeat(32),
      PARLEY_MASTER_KEYS: MASTER_KEYS,
      DATABASE_URL: this.databaseUrl,
      REDIS_URL: this.redis.url,
      ...FAST,
      ...env,
    };
  }

  /** What the test opens and `endTest` closes, last first. */
  onEnd(close: () => Promise<unknown>): void {
    this.closers.push(close);
  }

  /** Starts a dispatcher; `env` overrides its configuration. */
  async dispatcher(env: Record<string, string> = {}, tuning: DispatcherTuning = {}): Promise<RunningDispatcher> {
    const config = readConfig(this.environment(env));
    const service = await startWebhooks(config, { ownsProcess: false, tuning });
    this.closers.push(() => service.close());
    return service;
  }

  /** A domain of its own for each test. `insecure`: as the demo domain, with http and loopback allowed. */
  async domain({ insecure = true } = {}): Promise<DomainName> {
    const name = brandAs<DomainName>(`d${++this.domains}-${randomBytes(4).toString('hex')}.example`);
    const place = { table: 'Domain', row: name, column: 'webhookKey' };
    await this.database.prisma.domain.create({
      data: {
        name,
        accountId: 'acc_1',
        region: REGION.id,
        webhookKeySealed: this.database.sealer.seal(place, WEBHOOK_KEY),
        insecureWebhooks: insecure,
      },
    });
    return name;
  }

  /** A webhook whose handshake is over, or is due now. */
  async webhook(
    domain: DomainName,
    url: string,
    { roomName = null, validated = true, order = 'unordered' }: WebhookOptions = {},
  ): Promise<WebhookId> {
    const { id } = await this.database.stores.webhooks.insert(
      { domain, roomName: roomName === null ? null : brandAs<RoomName>(roomName), target: { type: 'url', url } },
      new Date(),
    );
    if (order === 'fifo') await this.database.prisma.webhook.update({ where: { id }, data: { order } });
    if (validated) {
      const proven = { validated: true, provenAt: new Date(), validationCause: 'periodic', nextValidationAt: null };
      await this.database.prisma.webhook.update({ where: { id }, data: proven });
    }
    return id;
  }

  async webhookRow(id: WebhookId) {
    return this.database.prisma.webhook.findUniqueOrThrow({ where: { id } });
  }

  /** Opens a room as the api does, with its event in the same transaction. */
  async openRoom(
    domain: DomainName,
    name: string,
    secrets: { password?: string; hostKey?: string } = {},
  ): Promise<Room> {
    const room = newRoom(domain, name, secrets);
    const { type, capacity, locked } = room.policy;
    await this.database.uow.run(async (stores) => {
      await stores.rooms.insert(room);
      await stores.outbox.append({
        type: 'room.created',
        domain,
        roomName: room.name,
        roomSessionId: room.id,
        payload: { type, capacity, locked },
        occurredAt: room.openedAt,
      });
    });
    return room;
  }

  async closeRoom(room: Room): Promise<void> {
    const now = new Date();
    await this.database.uow.run(async (stores) => {
      await stores.rooms.close(room.id, now);
      await stores.outbox.append({
        type: 'room.removed',
        domain: room.domain,
        roomName: room.name,
        roomSessionId: room.id,
        payload: {},
        occurredAt: now,
      });
    });
  }

  async deliveries(webhook: WebhookId) {
    return this.database.prisma.webhookDelivery.findMany({
      where: { webhookId: webhook },
      include: { tries: { orderBy: { number: 'asc' } }, event: true },
      orderBy: { createdAt: 'asc' },
    });
  }

  /** Waits until so many deliveries of the webhook have that state. */
  async waitForDeliveries(webhook: WebhookId, state: string, count: number, timeoutMs = 25_000): Promise<void> {
    await eventually(
      async () => (await this.deliveries(webhook)).filter((delivery) => delivery.state === state).length >= count,
      async () => {
        const states = (await this.deliveries(webhook)).map(({ state: is, attempts }) => `${is}/${attempts}`);
        return `${count} deliveries to be ${state}; there are: ${states.join(', ')}`;
      },
      timeoutMs,
    );
  }
}

function newRoom(domain: DomainName, name: string, secrets: { password?: string; hostKey?: string }): Room {
  return {
    id: brandAs<RoomSessionId>(`rs_eu-1_${randomBytes(12).toString('hex')}`),
    domain,
    name: brandAs<RoomName>(name),
    openedBy: 'api',
    policy: {
      version: 1,
      type: 'conference',
      locked: false,
      capacity: 25,
      passwordVersion: secrets.password === undefined ? 0 : 1,
      hasHostKey: secrets.hostKey !== undefined,
    },
    password: secrets.password ?? null,
    hostKey: secrets.hostKey ?? null,
    openedAt: new Date(),
    closeAfter: null,
  };
}

/** Runs the body once for the file, with a clean end after each test. */
export function useWorld(openPostgres?: () => Promise<DatabaseMaker>): () => World {
  let world: World;
  beforeAll(async () => {
    world = await World.create(openPostgres);
  });
  afterEach(() => world.endTest());
  afterAll(() => world.close());
  return () => world;
}
