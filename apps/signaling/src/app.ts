import { randomBytes } from 'node:crypto';
import type { DynamicModule } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { brandAs, cryptoIds, EntryService, RoomService, type RegionId, type ReplicaId } from '@parley/domain';
import { createRedisLive, parseRedisTarget, type Live, type LiveTimes } from '@parley/live';
import { createDatabase, type Database } from '@parley/persistence';
import {
  CLIENT_FEATURES,
  LIMITS,
  PROTOCOL_TIMES,
  serverName,
  SignalingMachine,
  type ProtocolTimes,
} from '@parley/protocol-spreed-signaling';
import {
  ClientAddresses,
  createRedis,
  createTicketVerifier,
  startService,
  type RunningService,
  type ServiceKit,
} from '@parley/server-kit';
import type { SignalingConfig } from './config';
import { Connections } from './connections/connections';
import type { PingTimes } from './connections/ws-transport';
import { BackendRoomEndpoint } from './backend-requests/backend-room.endpoint';
import { BackendRequests } from './backend-requests/backend-requests';
import { ADDRESS_OF, BackendRoomController, checkBeforeReading, type AddressOf } from './http/backend-room.controller';
import { clientAddressOf } from './http/client-address';
import { OBSERVERS, OperatorController } from './http/operator.controller';
import { PlainRefusals, refuseWrongMethods } from './http/plain-answers';
import { TURN_SETTINGS, TurnController } from './http/turn.controller';
import { SERVER_VERSION, WelcomeController } from './http/welcome.controller';
import { RedisIoAdapter } from './mounts/redis-io.adapter';
import { mountSocketIo } from './mounts/socket-io.mount';
import { SpreedMount } from './mounts/spreed.mount';
import { AttemptThrottle } from './spreed/attempt-throttle';
import { Authenticator } from './spreed/authenticator';
import { openBackends, type Backends, type BackendTimes } from './spreed/backends';
import { Census } from './spreed/census';
import { Door } from './spreed/door';
import { openParticipation } from './spreed/participation';
import { UpgradeRouter } from './upgrade/upgrade-router';
import { VERSION } from './version';

/** What tests shorten or replace. */
export interface SignalingOverrides {
  readonly times?: Partial<ProtocolTimes>;
  readonly pings?: PingTimes;
  readonly liveTimes?: Partial<LiveTimes>;
  readonly throttleDelayMs?: number;
  readonly backendTimes?: BackendTimes;
  /** How long a bridge may take to answer. */
  readonly dialoutMs?: number;
  /** False where several replicas share a process. */
  readonly ownsProcess?: boolean;
}

/** A running gateway replica. */
export interface RunningSignaling extends RunningService {
  readonly live: Live;
  readonly connections: Connections;
  readonly io: RedisIoAdapter['io'];
}

/** Everything of a replica that is opened and has to be closed again. */
interface House {
  readonly live: Live;
  readonly database: Database;
  readonly foreign: Backends;
  readonly census: Census;
  readonly connections: Connections;
  readonly backendRooms: BackendRoomEndpoint;
}

const clock = { now: () => new Date() };

/** Headers on every answer, the upgrade's included: Talk reads its features from them. */
const HEADERS = {
  Server: serverName(VERSION),
  'X-Spreed-Signaling-Features': CLIENT_FEATURES.join(', '),
};

/** Starts one replica of the signaling gateway. */
export async function startSignaling(
  config: SignalingConfig,
  overrides: SignalingOverrides = {},
): Promise<RunningSignaling> {
  const replica = replicaId(config.REPLICA_NAME);
  const upgrades = new UpgradeRouter(HEADERS);
  let house: House | undefined;
  let io: RedisIoAdapter | undefined;
  let closeRedis = () => {};
  const service = await startService({
    name: 'signaling',
    config,
    ownsProcess: overrides.ownsProcess,
    // The checksums of backends are made over the bytes.
    body: 'raw',
    build: (kit) => {
      house = buildHouse(config, overrides, replica, kit);
      return rootModule(config, house, addressOf(kit));
    },
    configure: (app, kit) => {
      if (house === undefined) throw new Error('configured before it was built');
      const redis = openSocketIoRedis(config, kit);
      closeRedis = redis.close;
      io = new RedisIoAdapter(app, { replicaName: replica, redis, maxMessageBytes: LIMITS.maxFrameBytes * 2 });
      mountAll(app, kit, upgrades, io, house.connections, overrides);
      kit.health.tell('replica', replica);
    },
    drain: async () => {
      upgrades.drain();
      await house?.connections.shutdown();
    },
    release: async () => {
      house?.connections.terminateAll();
      await io?.io.close();
      closeRedis();
      await house?.foreign.close();
      await house?.live.close();
      await house?.database.close();
    },
  });
  if (house === undefined || io === undefined) throw new Error('listening before it was built');
  return { ...service, live: house.live, connections: house.connections, io: io.io };
}

/** Unique per process: a restarted process is another replica. */
function replicaId(name: string | undefined): ReplicaId {
  return brandAs<ReplicaId>(`${name ?? 'gw'}-${randomBytes(4).toString('hex')}`);
}

function buildHouse(
  config: SignalingConfig,
  overrides: SignalingOverrides,
  replica: ReplicaId,
  kit: ServiceKit,
): House {
  const { logger, health, errors, metrics } = kit;
  const region = brandAs<RegionId>(config.PARLEY_REGION);
  const live = createRedisLive({
    replica,
    redis: parseRedisTarget(config.REDIS_URL),
    times: overrides.liveTimes,
    logger,
  });
  const database = createDatabase({
    url: config.DATABASE_URL,
    masterKeys: config.PARLEY_MASTER_KEYS,
    region: { id: region, number: config.PARLEY_REGION_NUMBER },
  });
  const rooms = new RoomService(database.uow, live.rooms, clock, cryptoIds);
  const entry = new EntryService(database.uow, rooms, live.rooms, clock, cryptoIds);
  const foreign = openBackends({
    version: VERSION,
    redisUrl: config.REDIS_URL,
    database,
    live,
    clock,
    logger,
    metrics,
    times: overrides.backendTimes,
  });
  const { store: backends, nextcloud, capabilities, notices } = foreign;
  const throttle = new AttemptThrottle(live.guards, overrides.throttleDelayMs, metrics);
  const authenticator = new Authenticator({
    region,
    publicUrl: config.PUBLIC_URL,
    tickets: createTicketVerifier({ publicKeys: config.PARLEY_TICKET_PUBLIC_KEYS }),
    backends,
    nextcloud,
    capabilities,
    guards: live.guards,
    throttle,
    internalSecrets: config.PARLEY_INTERNAL_SECRET.split(',').map((secret) => secret.trim()),
    clock,
  });
  const door = new Door({
    entry,
    rooms,
    roomStore: database.stores.rooms,
    live: live.rooms,
    sessions: live.sessions,
    notices,
    backends,
    nextcloud,
  });
  const times = { ...PROTOCOL_TIMES, ...overrides.times };
  const participation = openParticipation({
    live,
    database,
    foreign,
    clock,
    errors,
    dialoutMs: overrides.dialoutMs,
  });
  const { board, virtuals, bridges, dialout } = participation;
  const { sessions } = live;
  const calls = { board, virtuals, bridges };
  const census = new Census(metrics);
  const house = { sessions, rooms: live.rooms, ...calls, authenticator, door, throttle, census };
  const services = { ...house, times, logger, errors };
  live.events.onOccupancy((room, occupied) => {
    rooms.occupancyChanged(room, occupied).catch((error: unknown) => errors.report(error, { during: 'occupancy' }));
  });
  health.register('redis', async () => assertHealthy(await live.healthy()));
  health.register('postgres', async () => assertHealthy(await database.healthy()));
  const connections = new Connections(new SignalingMachine({ version: VERSION }), services, metrics);
  const requests = new BackendRequests({ live, rooms, board, dialout });
  const backendRooms = new BackendRoomEndpoint({
    backends,
    throttle,
    roomStore: database.stores.rooms,
    live: live.rooms,
    requests,
    logger,
    errors,
  });
  return { live, database, foreign, census, connections, backendRooms };
}

function assertHealthy(healthy: boolean): void {
  if (!healthy) throw new Error('it does not answer');
}

function addressOf({ clients }: ServiceKit): AddressOf {
  return ({ socket, headers }) =>
    clientAddressOf(socket.remoteAddress, headers, (address) => clients.isTrusted(address));
}

function rootModule(config: SignalingConfig, { backendRooms, census }: House, address: AddressOf): DynamicModule {
  const turn = { servers: config.TURN_SERVERS, secret: config.TURN_SECRET ?? '', apiKey: config.TURN_API_KEY ?? '' };
  return {
    module: class SignalingModule {},
    controllers: [WelcomeController, BackendRoomController, OperatorController, TurnController],
    providers: [
      { provide: SERVER_VERSION, useValue: VERSION },
      { provide: ADDRESS_OF, useValue: address },
      { provide: BackendRoomEndpoint, useValue: backendRooms },
      { provide: Census, useValue: census },
      { provide: OBSERVERS, useValue: new ClientAddresses(config.STATS_ALLOWED_IPS) },
      { provide: TURN_SETTINGS, useValue: turn },
    ],
  };
}

function openSocketIoRedis(config: SignalingConfig, { logger }: ServiceKit) {
  const publisher = createRedis(config.REDIS_URL, 'commands', logger);
  const subscriber = createRedis(config.REDIS_URL, 'subscriber', logger);
  return {
    publisher,
    subscriber,
    close: () => {
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}

function mountAll(
  app: NestFastifyApplication,
  kit: ServiceKit,
  upgrades: UpgradeRouter,
  io: RedisIoAdapter,
  connections: Connections,
  overrides: SignalingOverrides,
): void {
  const address = addressOf(kit);
  const spreed = new SpreedMount({ connections, headers: HEADERS, addressOf: address, pings: overrides.pings });
  mountSocketIo(io.io, connections, address);
  app.useWebSocketAdapter(io);
  upgrades.mount(SpreedMount.path, (request, socket, head) => spreed.upgrade(request, socket, head));
  upgrades.mount(RedisIoAdapter.path, (request, socket, head) => io.upgrade(request, socket, head));
  upgrades.attach(app.getHttpServer());
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers(HEADERS);
    if (!request.raw.url?.startsWith(RedisIoAdapter.path)) return done();
    // Engine.IO reads the body itself; Fastify is out of it from here.
    reply.hijack();
    io.request(request.raw, reply.raw);
  });
  checkBeforeReading(fastify);
  refuseWrongMethods(fastify, SpreedMount.path);
  app.useGlobalFilters(new PlainRefusals(kit.errors));
}
