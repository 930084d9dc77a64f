import {
  BookingService,
  brandAs,
  cryptoIds,
  EntryService,
  PEER_TELLING,
  PeerTelling,
  type ReceiverRules,
  type RegionId,
  RoomService,
  type RoomSessionId,
  WebhookService,
} from '@parley/domain';
import { createDomainHomes } from '@parley/persistence';
import {
  AllowedReceivers,
  createTicketIssuer,
  Gatherer,
  InternalAuth,
  mayBeReceiver,
  type ServiceKit,
} from '@parley/server-kit';
import type { ApiParts } from './api.module';
import type { ApiConfig } from './config';
import { HomeCheck } from './home/home-check';
import { JoinService } from './join/join.service';
import { NearestRegions } from './join/nearest-regions';
import { type Machines, SYSTEM_CLOCK } from './machines';
import { createRegionParts, type RegionParts } from './regions/region-parts';
import { robotProviders } from './robots/robot-parts';
import { RoomLoops } from './upkeep/room-loops';
import { createAccountParts } from './v1/account-parts';
import { DispatcherValidator } from './webhooks/dispatcher-validator';
import { XroomAuthenticator } from './xroom/authenticator';
import { XroomExecutor } from './xroom/executor';
import { XroomEndpoint } from './xroom/xroom.endpoint';

/** Everything of the api that is not HTTP. */
export interface Parts extends ApiParts {
  readonly machines: Machines;
  readonly rooms: RoomService;
  readonly homeCheck: HomeCheck;
  readonly regions: RegionParts;
  /** Answers those who wait, so that nobody keeps the api from ending. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Puts the api together. */
export function createParts(config: ApiConfig, kit: ServiceKit, machines: Machines): Parts {
  const { database, live } = machines;
  const rooms = new RoomService(database.uow, live.rooms, SYSTEM_CLOCK, cryptoIds);
  const bookings = new BookingService(database.uow, SYSTEM_CLOCK, cryptoIds);
  const receivers = receiverRules(config);
  const validator = validatorOn(machines, kit);
  const webhooks = new WebhookService(database.uow, validator, SYSTEM_CLOCK, receivers);
  const authenticator = new XroomAuthenticator(database.stores.tenancy, live.guards, SYSTEM_CLOCK, {
    callsPerMinute: config.API_CALLS_PER_MINUTE,
    rememberedNonces: config.API_NONCE_LIMIT,
    failuresPerMinute: config.API_FAILURES_PER_MINUTE_PER_ADDRESS,
  });
  const homeCheck = homeCheckOn(config, machines);
  const executor = new XroomExecutor({ rooms, bookings, webhooks });
  // A kick or a closing by this api empties rooms, too.
  live.events.onOccupancy((room, occupied) => {
    rooms.occupancyChanged(room, occupied).catch((error: unknown) => {
      kit.logger.warn({ err: error, room }, 'a change of occupancy was not noted; the next reconciliation does');
    });
  });
  const telling = new PeerTelling(database.uow, live.rooms);
  const peers = new Gatherer<RoomSessionId>({ ...PEER_TELLING, work: (ids) => telling.tell(ids), logger: kit.logger });
  live.events.onPeers((room) => peers.add(room));
  const accounts = createAccountParts(config, kit, machines, {
    webhooks,
    validator,
    receivers,
    signatures: authenticator,
  });
  const loops = new RoomLoops(rooms, bookings, telling, live, kit.logger, SYSTEM_CLOCK);
  const regions = createRegionParts(config, kit, machines);
  return {
    machines,
    rooms,
    regions,
    homeCheck,
    xroom: new XroomEndpoint(authenticator, executor, kit.errors, homeCheck),
    joins: joinsOn(config, machines, rooms),
    nearest: new NearestRegions(kit.metrics, regions.book),
    accounts,
    robots: robotProviders(config, machines),
    drain: () => accounts.close(),
    close: async () => {
      await Promise.all([loops.close(), regions.close()]);
      await peers.close();
      await machines.close();
    },
  };
}

function receiverRules(config: ApiConfig): ReceiverRules {
  const allowed = new AllowedReceivers(config.WEBHOOKS_ALLOWED_RECEIVERS);
  return {
    extraPorts: config.WEBHOOKS_EXTRA_PORTS,
    mayBeReceiver: (hostname, local) => mayBeReceiver(hostname, local ? 'local-too' : 'public', allowed),
  };
}

function homeCheckOn(config: ApiConfig, { database }: Machines): HomeCheck {
  const auth = new InternalAuth(config.PARLEY_INTERNAL_SECRET);
  return new HomeCheck(createDomainHomes(database), auth, brandAs<RegionId>(config.PARLEY_REGION), SYSTEM_CLOCK);
}

function validatorOn({ database, validations }: Machines, { logger }: ServiceKit): DispatcherValidator {
  return new DispatcherValidator(
    database.stores.webhooks,
    (id) => validations.request(id),
    SYSTEM_CLOCK,
    (error) => logger.warn({ err: error }, 'a handshake could not be asked for; the dispatcher finds it by itself'),
  );
}

function joinsOn(config: ApiConfig, { database, live }: Machines, rooms: RoomService): JoinService {
  const authUrl = `${config.PUBLIC_URL}/tickets`;
  return new JoinService(
    new EntryService(database.uow, rooms, live.rooms, SYSTEM_CLOCK, cryptoIds),
    live.guards,
    createTicketIssuer({ privateKey: config.PARLEY_TICKET_PRIVATE_KEY, issuer: authUrl }),
    SYSTEM_CLOCK,
    {
      region: brandAs<RegionId>(config.PARLEY_REGION),
      authUrl,
      signalingUrl: `${config.SIGNALING_PUBLIC_URL}/spreed`,
      iceServers: config.ICE_SERVERS.map(({ urls, ...server }) => ({
        ...server,
        urls: typeof urls === 'string' ? urls : [...urls],
      })),
      perMinute: { address: config.JOINS_PER_MINUTE_PER_ADDRESS, room: config.JOINS_PER_MINUTE_PER_ROOM },
    },
  );
}
