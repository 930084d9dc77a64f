import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { DynamicModule } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { brandAs, type ReplicaId } from '@parley/domain';
import type { Live } from '@parley/live';
import { CLIENT_FEATURES, LIMITS, serverName } from '@parley/protocol-spreed-signaling';
import { ClientAddresses, createRedis, startService, type RunningService, type ServiceKit } from '@parley/server-kit';
import { BackendRoomEndpoint } from './backend-requests/backend-room.endpoint';
import type { SignalingConfig } from './config';
import type { Connections } from './connections/connections';
import { Doorstep, DOORSTEP_LIMITS } from './connections/doorstep';
import { openHouse, type House, type SignalingOverrides } from './house';
import { ADDRESS_OF, BackendRoomController, checkBeforeReading, type AddressOf } from './http/backend-room.controller';
import { clientAddressOf } from './http/client-address';
import { answerImpossiblePath } from './http/impossible-path';
import { OBSERVERS, OperatorController } from './http/operator.controller';
import { PlainRefusals, refuseWrongMethods, sendText } from './http/plain-answers';
import { TURN_SETTINGS, TurnController } from './http/turn.controller';
import { SERVER_VERSION, WelcomeController } from './http/welcome.controller';
import { RedisIoAdapter } from './mounts/redis-io.adapter';
import { mountSocketIo, opensEngine, type Engines } from './mounts/socket-io.mount';
import { SpreedMount } from './mounts/spreed.mount';
import { Census } from './spreed/census';
import { UpgradeRouter } from './upgrade/upgrade-router';
import { VERSION } from './version';

export type { SignalingOverrides } from './house';

/** A running gateway replica. */
export interface RunningSignaling extends RunningService {
  readonly live: Live;
  readonly connections: Connections;
  readonly io: RedisIoAdapter['io'];
}

/** Headers on every answer, the upgrade's included: Talk reads its features from them. */
const HEADERS = {
  Server: serverName(VERSION),
  'X-Spreed-Signaling-Features': CLIENT_FEATURES.join(', '),
};

/** How long Redis may take to say goodbye, in milliseconds. */
const QUIT_MS = 500;

/** Starts one replica of the signaling gateway. */
export async function startSignaling(
  config: SignalingConfig,
  overrides: SignalingOverrides = {},
): Promise<RunningSignaling> {
  const replica = replicaId(config.REPLICA_NAME);
  const upgrades = new UpgradeRouter(HEADERS);
  let house: House | undefined;
  let io: RedisIoAdapter | undefined;
  let engines: Engines | undefined;
  let closeRedis = async () => {};
  const service = await startService({
    name: 'signaling',
    config,
    ownsProcess: overrides.ownsProcess,
    // The checksums of backends are made over the bytes.
    body: 'raw',
    unreadable: { frameworkErrors: answerImpossiblePath(HEADERS) },
    build: (kit) => {
      house = openHouse(config, overrides, replica, kit);
      return rootModule(config, house, addressOf(kit));
    },
    configure: (app, kit) => {
      if (house === undefined) throw new Error('configured before it was built');
      const redis = openSocketIoRedis(config, kit);
      closeRedis = redis.close;
      io = new RedisIoAdapter(app, { replicaName: replica, redis, maxMessageBytes: LIMITS.maxFrameBytes * 2 });
      const perAddress = config.SIGNALING_SOCKETS_PER_ADDRESS_WAITING;
      const doorstep = new Doorstep({ ...DOORSTEP_LIMITS, perAddress, ...overrides.doorstep });
      engines = mountAll({ app, kit, upgrades, io, doorstep, connections: house.connections, pings: overrides.pings });
      kit.health.tell('replica', replica);
      const { connections } = house;
      kit.health.tell('load', () => connections.size);
    },
    drain: async () => {
      upgrades.drain();
      await house?.federations.settle();
      await house?.connections.shutdown();
      engines?.close();
      await house?.federations.close();
    },
    release: async () => {
      house?.connections.terminateAll();
      await io?.io.close();
      await closeRedis();
      await house?.close();
    },
  });
  if (house === undefined || io === undefined) throw new Error('listening before it was built');
  return { ...service, live: house.live, connections: house.connections, io: io.io };
}

/** Unique per process: a restarted process is another replica. */
function replicaId(name: string | undefined): ReplicaId {
  return brandAs<ReplicaId>(`${name ?? 'gw'}-${randomBytes(4).toString('hex')}`);
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
    close: async () => {
      // What the adapter has just asked for is answered first: it does not look at its promises.
      const answered = Promise.allSettled([publisher.quit(), subscriber.quit()]);
      await Promise.race([answered, pause(QUIT_MS, undefined, { ref: false })]);
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}

interface Mounting {
  readonly app: NestFastifyApplication;
  readonly kit: ServiceKit;
  readonly upgrades: UpgradeRouter;
  readonly io: RedisIoAdapter;
  readonly doorstep: Doorstep;
  readonly connections: Connections;
  readonly pings: SignalingOverrides['pings'];
}

/** Answers the Engine.IO connections, to be closed. */
function mountAll({ app, kit, upgrades, io, doorstep, connections, pings }: Mounting): Engines {
  const address = addressOf(kit);
  const spreed = new SpreedMount({ connections, doorstep, headers: HEADERS, addressOf: address, pings });
  const engines = mountSocketIo(io.io, connections, doorstep, address);
  const mayCome = (request: IncomingMessage) => doorstep.hasRoomFor(address(request));
  upgrades.limit((request, path) => (path === RedisIoAdapter.path && !opensEngine(request)) || mayCome(request));
  app.useWebSocketAdapter(io);
  upgrades.mount(SpreedMount.path, (request, socket, head) => spreed.upgrade(request, socket, head));
  upgrades.mount(RedisIoAdapter.path, (request, socket, head) => io.upgrade(request, socket, head));
  upgrades.attach(app.getHttpServer());
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers(HEADERS);
    if (!request.raw.url?.startsWith(RedisIoAdapter.path)) return done();
    if (opensEngine(request.raw) && !mayCome(request.raw)) return sendText(reply, 429, 'Too many requests');
    // Engine.IO reads the body itself; Fastify is out of it from here.
    reply.hijack();
    io.request(request.raw, reply.raw);
  });
  checkBeforeReading(fastify);
  refuseWrongMethods(fastify, SpreedMount.path);
  app.useGlobalFilters(new PlainRefusals(kit.errors));
  return engines;
}
