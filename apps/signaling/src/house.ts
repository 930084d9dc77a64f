import {
  brandAs,
  cryptoIds,
  EntryService,
  PEER_TELLING,
  PeerTelling,
  RoomService,
  type RegionId,
  type ReplicaId,
  type RoomSessionId,
} from '@parley/domain';
import { createRedisLive, parseRedisTarget, type Live, type LiveTimes } from '@parley/live';
import { createDatabase, type Database } from '@parley/persistence';
import { PROTOCOL_TIMES, SignalingMachine, type ProtocolTimes } from '@parley/protocol-spreed-signaling';
import { createTicketVerifier, Gatherer, type ServiceKit } from '@parley/server-kit';
import { BackendRequests } from './backend-requests/backend-requests';
import { BackendRoomEndpoint } from './backend-requests/backend-room.endpoint';
import type { SignalingConfig } from './config';
import { Connections } from './connections/connections';
import type { DoorstepLimits } from './connections/doorstep';
import type { PingTimes } from './connections/ws-transport';
import { Federations } from './federation/federations';
import type { FederationTimes } from './federation/link-terms';
import { OutboxBell } from './outbox-bell';
import { openRobots, type Robots } from './robots/open-robots';
import type { RobotTimes } from './robots/robot-desk';
import { AttemptThrottle } from './spreed/attempt-throttle';
import { Authenticator } from './spreed/authenticator';
import { openBackends, type Backends, type BackendTimes } from './spreed/backends';
import { Census } from './spreed/census';
import { Door } from './spreed/door';
import { Evictions } from './spreed/evictions';
import { openParticipation } from './spreed/participation';
import { Renaming } from './spreed/renaming';
import { openSignpost } from './spreed/signpost';
import { VERSION } from './version';

/** What tests shorten or replace. */
export interface SignalingOverrides {
  readonly times?: Partial<ProtocolTimes>;
  readonly pings?: PingTimes;
  readonly doorstep?: Partial<DoorstepLimits>;
  readonly liveTimes?: Partial<LiveTimes>;
  readonly throttleDelayMs?: number;
  readonly backendTimes?: BackendTimes;
  readonly federationTimes?: Partial<FederationTimes>;
  readonly robotTimes?: Partial<RobotTimes>;
  /** How long a bridge may take to answer. */
  readonly dialoutMs?: number;
  /** How long everybody is shown that a call is over. */
  readonly endedCallMs?: number;
  /** False where several replicas share a process. */
  readonly ownsProcess?: boolean;
}

/** Everything of a replica that is opened and has to be closed again. */
export interface House {
  readonly live: Live;
  readonly federations: Federations;
  readonly census: Census;
  readonly connections: Connections;
  readonly backendRooms: BackendRoomEndpoint;
  /** Closes what it stands on, once nobody is connected any more. */
  close(): Promise<void>;
}

/** What everything else of a replica stands on. */
interface Ground {
  readonly config: SignalingConfig;
  readonly overrides: SignalingOverrides;
  readonly kit: ServiceKit;
  readonly region: RegionId;
  readonly live: Live;
  readonly database: Database;
  readonly bell: OutboxBell;
  /** Rooms with comings and goings to be told of. */
  readonly peers: Gatherer<RoomSessionId>;
  readonly foreign: Backends;
  readonly robots: Robots;
  readonly directions: ReturnType<typeof openSignpost>;
  readonly rooms: RoomService;
  readonly throttle: AttemptThrottle;
}

const clock = { now: () => new Date() };

/** Puts a replica together; nothing listens yet. */
export function openHouse(
  config: SignalingConfig,
  overrides: SignalingOverrides,
  replica: ReplicaId,
  kit: ServiceKit,
): House {
  const ground = layGround(config, overrides, replica, kit);
  const { live, database, foreign, rooms, throttle } = ground;
  const { logger, errors, metrics } = kit;
  const { board, virtuals, bridges, dialout } = openParticipation({
    live,
    database,
    foreign,
    clock,
    dialoutMs: overrides.dialoutMs,
    endedCallMs: overrides.endedCallMs,
  });
  const census = new Census(metrics, live);
  const evictions = new Evictions({ census, sessions: live.sessions, backends: foreign.store, logger });
  foreign.onChanged(() => evictions.call());
  const federations = federationsOn(ground);
  foreign.onChanged(() => {
    federations.backendsChanged().catch((error: unknown) => errors.report(error, { during: 'change of backends' }));
  });
  const services = {
    sessions: live.sessions,
    rooms: live.rooms,
    authenticator: authenticatorOn(ground),
    backends: foreign.store,
    door: doorOn(ground),
    renaming: renamingOn(ground),
    board,
    virtuals,
    bridges,
    federations,
    robots: ground.robots.desk,
    throttle,
    census,
    times: { ...PROTOCOL_TIMES, ...overrides.times },
    logger,
    errors,
  };
  live.events.onOccupancy((room, occupied) => {
    rooms.occupancyChanged(room, occupied).catch((error: unknown) => errors.report(error, { during: 'occupancy' }));
  });
  registerHealth(ground);
  const connections = new Connections(new SignalingMachine({ version: VERSION }), services, metrics);
  const requests = new BackendRequests({ live, rooms, board, dialout });
  const backendRooms = backendRoomsOn(ground, requests);
  return { live, connections, federations, census, backendRooms, close: () => clearGround(ground, evictions) };
}

function layGround(
  config: SignalingConfig,
  overrides: SignalingOverrides,
  replica: ReplicaId,
  kit: ServiceKit,
): Ground {
  const { logger, metrics } = kit;
  const region = brandAs<RegionId>(config.PARLEY_REGION);
  const live = createRedisLive({
    replica,
    redis: parseRedisTarget(config.REDIS_URL),
    times: overrides.liveTimes,
    logger,
  });
  const bell = new OutboxBell(config.REDIS_URL, logger);
  const database = createDatabase({
    url: config.DATABASE_URL,
    masterKeys: config.PARLEY_MASTER_KEYS,
    region: { id: region, number: config.PARLEY_REGION_NUMBER },
    wakeRelay: bell.ring,
  });
  const rooms = new RoomService(database.uow, live.rooms, clock, cryptoIds);
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
  const directions = openSignpost(config, region, logger);
  const robots = robotsOn({ config, overrides, kit, region, live, database, directions });
  const throttle = new AttemptThrottle(live.guards, overrides.throttleDelayMs, metrics);
  const peers = peersOn({ live, database }, logger);
  return { config, overrides, kit, region, live, database, bell, foreign, robots, directions, rooms, peers, throttle };
}

function peersOn(
  { live, database }: Pick<Ground, 'live' | 'database'>,
  logger: ServiceKit['logger'],
): Gatherer<RoomSessionId> {
  const telling = new PeerTelling(database.uow, live.rooms);
  const peers = new Gatherer<RoomSessionId>({ ...PEER_TELLING, work: (ids) => telling.tell(ids), logger });
  live.events.onPeers((room) => peers.add(room));
  return peers;
}

type RobotGround = Pick<Ground, 'config' | 'overrides' | 'kit' | 'region' | 'live' | 'database' | 'directions'>;

function robotsOn({ config, overrides, kit, region, live, database, directions }: RobotGround): Robots {
  return openRobots({
    region,
    signpost: directions.signpost,
    redisUrl: config.REDIS_URL,
    ticketPublicKeys: config.PARLEY_TICKET_PUBLIC_KEYS,
    database,
    live,
    clock,
    metrics: kit.metrics,
    logger: kit.logger,
    times: overrides.robotTimes,
  });
}

function authenticatorOn({ config, region, foreign, robots, directions, live, throttle }: Ground): Authenticator {
  return new Authenticator({
    region,
    publicUrl: config.PUBLIC_URL,
    tickets: createTicketVerifier({ publicKeys: config.PARLEY_TICKET_PUBLIC_KEYS, region }),
    robots: robots.roll,
    signpost: directions.signpost,
    backends: foreign.store,
    nextcloud: foreign.nextcloud,
    capabilities: foreign.capabilities,
    guards: live.guards,
    throttle,
    internalSecrets: config.PARLEY_INTERNAL_SECRET.split(',').map((secret) => secret.trim()),
    clock,
  });
}

function doorOn({ database, live, rooms, foreign, directions }: Ground): Door {
  return new Door({
    entry: new EntryService(database.uow, rooms, live.rooms, clock, cryptoIds),
    rooms,
    roomStore: database.stores.rooms,
    live: live.rooms,
    sessions: live.sessions,
    events: live.events,
    backends: foreign.store,
    nextcloud: foreign.nextcloud,
    signpost: directions.signpost,
  });
}

function renamingOn({ live, foreign }: Ground): Renaming {
  const { store, nextcloud } = foreign;
  return new Renaming({ live: live.rooms, sessions: live.sessions, backends: store, nextcloud });
}

function federationsOn({ live, foreign, database, kit, overrides }: Ground): Federations {
  return new Federations({
    version: VERSION,
    sessions: live.sessions,
    backends: foreign.store,
    nextcloud: foreign.nextcloud,
    sealer: database.sealer,
    logger: kit.logger,
    errors: kit.errors,
    times: overrides.federationTimes,
    pingMs: overrides.backendTimes?.pingMs,
  });
}

function backendRoomsOn({ foreign, throttle, database, live, kit }: Ground, requests: BackendRequests) {
  return new BackendRoomEndpoint({
    backends: foreign.store,
    throttle,
    roomStore: database.stores.rooms,
    live: live.rooms,
    requests,
    logger: kit.logger,
    errors: kit.errors,
  });
}

async function clearGround(
  { foreign, robots, directions, peers, live, database, bell }: Ground,
  evictions: Evictions,
): Promise<void> {
  await evictions.close();
  await robots.close();
  await foreign.close();
  await peers.close();
  await directions.close();
  await live.close();
  await database.close();
  bell.close();
}

function registerHealth({ kit, live, database }: Ground): void {
  kit.health.register('redis', async () => assertHealthy(await live.healthy()));
  kit.health.register('postgres', async () => assertHealthy(await database.healthy()));
}

function assertHealthy(healthy: boolean): void {
  if (!healthy) throw new Error('it does not answer');
}
