import { randomBytes } from 'node:crypto';
import { brandAs, type RegionId, type WebhookId } from '@parley/domain';
import { startPostgres, type TestPostgres } from '@parley/testing';
import {
  BacklogStore,
  BreakerStore,
  createDatabase,
  DeliveryStore,
  DeliveryUpkeepStore,
  StandingJobsStore,
  type AttemptOutcome,
  type ClaimedDelivery,
  type Database,
  type DeliveryVerdict,
  type ReserveOptions,
  type SettledAttempt,
} from '../src';

export const REGION = { id: brandAs<RegionId>('eu-1'), number: 1 };
export const WEBHOOK = brandAs<WebhookId>(2049);
export const DOMAIN = 'd.example';
/** Room for all, so that a test narrows what it is about. */
export const AMPLE: ReserveOptions = { atOnce: 100, perSecond: 1_000, doubtAfterMs: 60_000, horizonMs: 10_000 };

/** A database with one webhook and the stores around its deliveries. */
export class DeliveryWorld {
  readonly jobs: StandingJobsStore;
  readonly deliveries: DeliveryStore;
  readonly upkeep: DeliveryUpkeepStore;
  readonly breakers: BreakerStore;
  readonly backlog: BacklogStore;
  private position = 0n;

  constructor(readonly database: Database) {
    const { prisma } = database;
    this.jobs = new StandingJobsStore(prisma);
    this.deliveries = new DeliveryStore(prisma);
    this.upkeep = new DeliveryUpkeepStore(prisma);
    this.breakers = new BreakerStore(prisma, REGION.id);
    this.backlog = new BacklogStore(prisma);
  }

  get prisma() {
    return this.database.prisma;
  }

  async webhook(
    id: WebhookId,
    data: { order?: 'fifo' | 'unordered'; type?: 'url' | 'robot'; robotId?: bigint } = {},
  ): Promise<void> {
    const url = 'https://r.example/';
    await this.prisma.webhook.create({ data: { id, domainName: DOMAIN, type: 'url', url, validated: true, ...data } });
  }

  /** What the relay makes of events of these rooms (null: of none), one after the other; due now. Answers the ids. */
  async relayed(rooms: readonly (string | null)[], webhook = WEBHOOK, occurredAt = new Date()): Promise<string[]> {
    const rows = rooms.map((roomName) => {
      this.position += 1n;
      return { id: `${webhook}_${roomName}_${this.position}`, roomName, position: this.position };
    });
    await this.prisma.outboxEvent.createMany({
      data: rows.map(({ id, roomName, position }) => ({
        ...{ id: `evt_${id}`, roomName, position, domainName: DOMAIN, seq: Number(position) },
        ...{ type: 'room.created', payload: {}, occurredAt, relayedAt: occurredAt },
      })),
    });
    await this.prisma.webhookDelivery.createMany({
      data: rows.map(({ id, roomName, position }) => ({
        ...{ id: `dlv_${id}`, eventId: `evt_${id}`, webhookId: webhook, roomName, position },
        nextAttemptAt: new Date(Date.now() - 1_000),
      })),
    });
    return rows.map(({ id }) => `dlv_${id}`);
  }

  async handedOut(options: Partial<ReserveOptions> = {}, webhooks = [WEBHOOK]): Promise<string[]> {
    const { jobs } = await this.jobs.reserve(webhooks, { ...AMPLE, ...options });
    return jobs.map(({ deliveryId }) => deliveryId);
  }

  /** Hands one out and claims it. */
  async claimed(lockMs = 60_000): Promise<ClaimedDelivery> {
    const { jobs } = await this.jobs.reserve([WEBHOOK], { ...AMPLE, atOnce: 1 });
    const [claim] = await this.deliveries.claim(jobs, lockMs);
    if (claim === undefined) throw new Error(`nothing was claimed; handed out were ${JSON.stringify(jobs)}`);
    return claim;
  }

  async settle(claim: ClaimedDelivery, outcome: AttemptOutcome, verdict: DeliveryVerdict): Promise<boolean> {
    return (await this.deliveries.settle([settled(claim, outcome, verdict)])).has(claim.id);
  }

  /** Does the next delivery of the webhook, whatever it is. */
  async attempt(outcome: AttemptOutcome, verdict: DeliveryVerdict = { kind: 'delivered' }): Promise<void> {
    await this.settle(await this.claimed(), outcome, verdict);
  }

  async row(id: WebhookId = WEBHOOK) {
    return this.prisma.webhook.findUniqueOrThrow({ where: { id } });
  }
}

export function settled(claim: ClaimedDelivery, outcome: AttemptOutcome, verdict: DeliveryVerdict): SettledAttempt {
  const said = outcome === 'delivered' ? { status: 200, error: null } : { status: 500, error: 'no' };
  return { claim, verdict, record: { startedAt: new Date(), durationMs: 5, outcome, ...said, responseExcerpt: '' } };
}

/**
 * A new database for each test of the file, with an account, `acc_1`, and domains of it.
 * @returns the one of the test that runs
 */
export function useTenantDatabase(...domains: readonly string[]): () => Database {
  let postgres: TestPostgres;
  let database: Database;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  beforeEach(async () => {
    const url = await postgres.createDatabase();
    const masterKeys = `k:${randomBytes(32).toString('base64')}`;
    database = createDatabase({ url, masterKeys, region: REGION, poolSize: 20 });
    await database.prisma.account.create({ data: { id: 'acc_1', slug: 'a', authId: 'a', secretSealed: 's' } });
    await addDomains(database, domains);
  });
  afterEach(() => database.close());
  afterAll(() => postgres.close());
  return () => database;
}

export async function addDomains({ prisma }: Pick<Database, 'prisma'>, names: readonly string[]): Promise<void> {
  const data = names.map((name) => ({ name, accountId: 'acc_1', region: REGION.id, webhookKeySealed: 's' }));
  await prisma.domain.createMany({ data });
}

/** A {@link DeliveryWorld} for each test of the file. */
export function useDeliveryWorld(): () => DeliveryWorld {
  const database = useTenantDatabase(DOMAIN);
  let world: DeliveryWorld;
  beforeEach(async () => {
    world = new DeliveryWorld(database());
    await world.webhook(WEBHOOK);
  });
  return () => world;
}
