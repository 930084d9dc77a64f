import { generateKeyPairSync } from 'node:crypto';
import {
  brandAs,
  cryptoIds,
  EntryService,
  RoomService,
  type DomainName,
  type RegionId,
  type RobotTicketClaims,
  type TicketClaims,
  type RoomName,
  type RoomSessionId,
  type SessionId,
} from '@parley/domain';
import { createDatabase, seedDemo, type Database } from '@parley/persistence';
import { createRobotTicketIssuer, createTicketIssuer, ticketPublicKey, type TicketIssuer } from '@parley/server-kit';
import {
  ScriptedSignalingClient,
  startPostgres,
  startRedis,
  type TestRedis,
  type TransportName,
} from '@parley/testing';
import { startSignaling, type RunningSignaling, type SignalingOverrides } from '../src/app';
import { loadConfig } from '../src/config';
import { Operator } from './operator';

export const INTERNAL_SECRET = 'internal-secret-of-the-tests-0123456789';
export const PUBLIC_URL = 'http://parley.test';
export const DOMAIN = brandAs<DomainName>('demo.test');
const MASTER_KEYS = `k1:${Buffer.alloc(32, 7).toString('base64')}`;
const REGION = { id: brandAs<RegionId>('eu-1'), number: 1 };
const clock = { now: () => new Date() };

/** Times that tests can wait for; who has others keeps those of these that it does not name. */
export const FAST = {
  ownsProcess: false,
  throttleDelayMs: 1,
  // A busy machine must not make those late who are tested for something else.
  times: { helloMs: 30_000, guestJoinMs: 60_000 },
  // Nor is who stood still for a moment to be taken for dead.
  liveTimes: { heartbeatMs: 200, deadAfterMs: 10_000, checkpointMs: 100 },
} as const satisfies SignalingOverrides;

/** A region with PostgreSQL and Redis of its own, to start replicas in. */
export class TestRegion {
  /** Where its backends and rooms are. */
  readonly domain = DOMAIN;
  /** How clients connect that do not say how. */
  transport: TransportName = 'websocket';
  /** Where clients and backends come from, as a proxy of ours says: failures of one address slow that one down. */
  address = '127.0.0.1';
  private readonly replicas: RunningSignaling[] = [];
  private readonly clients: ScriptedSignalingClient[] = [];
  private operatorOpened: Operator | undefined;
  private startedSoFar = 0;

  private constructor(
    readonly databaseUrl: string,
    readonly redis: TestRedis,
    readonly database: Database,
    private readonly privateKey: string,
    private readonly issuer: TicketIssuer,
    private readonly closePostgres: () => Promise<void>,
  ) {}

  static async start(): Promise<TestRegion> {
    const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    const url = await postgres.createDatabase();
    await seedDemo({
      databaseUrl: url,
      directoryUrl: url,
      region: REGION,
      masterKeys: MASTER_KEYS,
      demo: { authId: 'demo', secret: 'secret', domain: DOMAIN, webhookKey: 'key' },
      adminKey: 'admin-key-of-the-tests-0123456789',
    });
    const database = createDatabase({ url, masterKeys: MASTER_KEYS, region: REGION });
    const { privateKey } = generateKeyPairSync('ed25519');
    const key = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
    const issuer = createTicketIssuer({ privateKey: key, issuer: PUBLIC_URL });
    return new TestRegion(url, redis, database, key, issuer, () => postgres.close());
  }

  async replica(overrides: SignalingOverrides = {}, env: Record<string, string> = {}): Promise<RunningSignaling> {
    const config = loadConfig({
      ...this.environment,
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'error',
      REPLICA_NAME: `gw-${(this.startedSoFar += 1)}`,
      ...env,
    });
    const replica = await startSignaling(config, {
      ...FAST,
      ...overrides,
      times: { ...FAST.times, ...overrides.times },
      liveTimes: { ...FAST.liveTimes, ...overrides.liveTimes },
    });
    this.replicas.push(replica);
    return replica;
  }

  /** What every gateway of the region is started with. */
  get environment(): Record<string, string> {
    return {
      PARLEY_REGION: REGION.id,
      PARLEY_REGION_NUMBER: String(REGION.number),
      PUBLIC_URL,
      DATABASE_URL: this.databaseUrl,
      REDIS_URL: this.redis.url,
      PARLEY_MASTER_KEYS: MASTER_KEYS,
      PARLEY_INTERNAL_SECRET: INTERNAL_SECRET,
      PARLEY_TICKET_PUBLIC_KEYS: ticketPublicKey(this.privateKey),
    };
  }

  /** A robot's ticket as `POST /v1/robots/{id}/tickets` gives it. */
  async robotTicket(claims: RobotTicketClaims): Promise<{ ticket: string; authUrl: string }> {
    const authUrl = `${PUBLIC_URL}/tickets`;
    const issuer = createRobotTicketIssuer({ privateKey: this.privateKey, issuer: authUrl });
    return { ticket: await issuer.issue(claims), authUrl };
  }

  /** A ticket that says just this. */
  issue(claims: TicketClaims, now?: Date): Promise<string> {
    return this.issuer.issue(claims, now);
  }

  /** Takes a replica away, in good order. */
  async retire(replica: RunningSignaling): Promise<void> {
    const at = this.replicas.indexOf(replica);
    if (at !== -1) this.replicas.splice(at, 1);
    await replica.close();
  }

  /** Who adds and removes backends here. */
  get operator(): Operator {
    return (this.operatorOpened ??= new Operator(this));
  }

  /** The rules of rooms as the api has them, next to one replica. */
  rules(replica: RunningSignaling): { rooms: RoomService; entry: EntryService } {
    const rooms = new RoomService(this.database.uow, replica.live.rooms, clock, cryptoIds);
    return { rooms, entry: new EntryService(this.database.uow, rooms, replica.live.rooms, clock, cryptoIds) };
  }

  /** A ticket as `POST /join` gives it. The room is opened if it is not open. */
  async ticket(
    replica: RunningSignaling,
    room: string,
    options: { displayName?: string; hostKey?: string; userId?: string } = {},
  ): Promise<{ ticket: string; authUrl: string; room: RoomSessionId }> {
    const { userId, ...shown } = options;
    const name = brandAs<RoomName>(room);
    const { claims } = await this.rules(replica).entry.admit({ domain: DOMAIN, name, region: REGION.id, ...shown });
    const ticket = await this.issuer.issue(userId === undefined ? claims : { ...claims, userId });
    return { ticket, authUrl: `${PUBLIC_URL}/join`, room: claims.room };
  }

  async connect(replica: RunningSignaling, name: string, transport = this.transport): Promise<ScriptedSignalingClient> {
    const url = transport === 'websocket' ? `${replica.url.replace('http', 'ws')}/spreed` : replica.url;
    const headers = { 'x-forwarded-for': this.address };
    const client = await ScriptedSignalingClient.connect(url, { name, transport, headers });
    this.clients.push(client);
    return client;
  }

  /** A client that said hello with a ticket. */
  async visitor(
    replica: RunningSignaling,
    name: string,
    room: string,
    options: { userId?: string; features?: string[]; transport?: TransportName } = {},
  ): Promise<ScriptedSignalingClient> {
    const { userId, features, transport } = options;
    const login = await this.ticket(replica, room, { displayName: name, ...(userId === undefined ? {} : { userId }) });
    const client = await this.connect(replica, name, transport);
    await client.hello({ ...login, features });
    return client;
  }

  /** Ends the clients, keeps the replicas. */
  async sendEverybodyHome(): Promise<void> {
    await Promise.all(this.clients.splice(0).map((client) => client.close()));
  }

  async close(): Promise<void> {
    for (const client of this.clients.splice(0)) client.drop();
    for (const replica of this.replicas.splice(0)) await replica.close();
    await this.operatorOpened?.close();
    await this.database.close();
    await this.redis.close();
    await this.closePostgres();
  }
}

export function sessionIdOf(client: ScriptedSignalingClient): SessionId {
  return brandAs<SessionId>(client.sessionId);
}
