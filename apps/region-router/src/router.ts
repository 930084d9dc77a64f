import { Module, type DynamicModule } from '@nestjs/common';
import type { Server } from 'node:http';
import type { Directory, RegionDirectory } from '@parley/domain';
import {
  InternalAuth,
  RegionBook,
  RegionLetters,
  startService,
  type RunningService,
  type ServiceKit,
  type ServiceOptions,
} from '@parley/server-kit';
import { AccountLists } from './calls/account-list';
import { CallHandler } from './calls/call-handler';
import type { RouterConfig } from './config';
import { CACHE_TIMES, CachedDirectory, type CacheTimes } from './directory/cached-directory';
import { FrontDoor } from './front-door';
import { Countries } from './nearness/countries';
import { OwnerLetters } from './proxy/owner-letters';
import { Proxy, type ProxyTimes } from './proxy/proxy';
import { ReplicaGroup, type ReplicaTimes } from './proxy/replicas';
import { answerImpossiblePath, answerUnreadable } from './proxy/unreadable';
import { RegionStatus } from './region-status';
import { RegionTable } from './region-table';
import { RegionsController } from './regions.controller';
import { HomeFinder } from './routing/home-finder';
import { Residency } from './routing/residency';
import { SpliceDoor } from './sockets/splice-door';
import { WelcomeController } from './welcome/welcome.controller';

export interface RouterOptions {
  readonly config: RouterConfig;
  readonly directory: Directory & RegionDirectory & { close(): Promise<void> };
  /** Other times for tests. */
  readonly times?: {
    readonly proxy?: ProxyTimes;
    readonly replicas?: ReplicaTimes;
    readonly cache?: CacheTimes;
    readonly bodyMs?: number;
    readonly regionsMs?: number;
    readonly regionProbeMs?: number;
    readonly socketConnectMs?: number;
  };
  /** The time of day; another one in tests. */
  readonly now?: () => Date;
  readonly ownsProcess?: boolean;
  readonly logTo?: ServiceOptions['logTo'];
}

@Module({})
class RouterModule {
  static of(status: RegionStatus, countries: Countries): DynamicModule {
    return {
      module: RouterModule,
      controllers: [RegionsController, WelcomeController],
      providers: [
        { provide: RegionStatus, useValue: status },
        { provide: Countries, useValue: countries },
      ],
    };
  }
}

/** Starts the front door of a region. */
export async function startRouter(options: RouterOptions): Promise<RunningService> {
  const { config } = options;
  let parts: Parts | undefined;
  return startService({
    name: 'region-router',
    config,
    body: 'stream',
    unreadable: { clientErrorHandler: answerUnreadable, frameworkErrors: answerImpossiblePath },
    ownsProcess: options.ownsProcess,
    logTo: options.logTo,
    shutdownDeadlineMs: config.ROUTER_DRAIN_MS + 20_000,
    build: async (kit) => {
      parts = assemble(options, kit);
      await Promise.all([parts.api.probe(), parts.signaling.probe(), parts.regions.refresh()]);
      return RouterModule.of(parts.status, new Countries(config.GEOIP_DATABASE));
    },
    configure: (app) => {
      const { door, sockets } = parts ?? unbuilt();
      const fastify = app.getHttpAdapter().getInstance();
      fastify.all('/*', (request, reply) => {
        reply.hijack();
        return door.handle(request.raw, reply.raw);
      });
      putAhead(app.getHttpServer(), door);
      app.getHttpServer().on('upgrade', (request, socket, head) => void sockets.handle(request, socket, head));
    },
    drain: async () => parts?.sockets.drain(config.ROUTER_DRAIN_MS),
    release: async () => {
      await parts?.close();
      await options.directory.close();
    },
  });
}

/** Answered by the router's own controllers; everything else is passed on before the framework is asked. */
const OWN_PATHS = /^\/(?:regions|v1\/regions|ping|health(?:\/.*)?)?(?:[?#]|$)/;

/** Nest and Fastify cost several times what passing a request on costs. */
function putAhead(server: Server, door: FrontDoor): void {
  const framework = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    if (!OWN_PATHS.test(request.url ?? '/')) return void door.handle(request, response);
    for (const listener of framework) listener.call(server, request, response);
  });
}

interface Parts {
  readonly door: FrontDoor;
  readonly sockets: SpliceDoor;
  readonly status: RegionStatus;
  readonly api: ReplicaGroup;
  readonly signaling: ReplicaGroup;
  readonly regions: RegionBook;
  close(): Promise<void>;
}

function assemble({ config, directory, times, now = systemTime }: RouterOptions, kit: ServiceKit): Parts {
  const { logger, clients, health, metrics } = kit;
  const table = new RegionTable(config.PARLEY_REGIONS, config.PARLEY_REGION);
  const cached = new CachedDirectory(directory, () => performance.now(), times?.cache ?? CACHE_TIMES, {
    began: (error) => logger.warn({ err: error }, 'the directory does not answer'),
    ended: () => logger.info('the directory answers again'),
  });
  const auth = new InternalAuth(config.PARLEY_INTERNAL_SECRET);
  const proxy = new Proxy(table, auth, now, logger, times?.proxy);
  const api = new ReplicaGroup('api', table.own.apiUrls, logger, times?.replicas);
  const signaling = new ReplicaGroup('signaling', table.own.signalingUrls, logger, times?.replicas);
  const lists = new AccountLists(proxy, table, api, cached);
  const owners = new OwnerLetters(table, auth, new RegionLetters(config.PARLEY_INTERNAL_SECRET), now);
  const residency = new Residency(cached, table.own.id, owners.ask.bind(owners), () => performance.now());
  const finder = new HomeFinder(cached, table, residency);
  const calls = new CallHandler(table, finder, proxy, api, lists, times?.bodyMs);
  const door = new FrontDoor(calls, proxy, { api, signaling }, auth, kit, now);
  const openSockets = metrics.gauge('parley_router_open_sockets', { help: 'Client sockets joined with a replica' });
  const sockets = new SpliceDoor(signaling, clients, logger, openSockets, times?.socketConnectMs);
  const status = new RegionStatus(table, { api, signaling }, logger, {
    everyMs: times?.regionsMs,
    timeoutMs: times?.regionProbeMs,
  });
  const regions = new RegionBook({
    rows: config.PARLEY_REGIONS,
    directory,
    logger,
    everyMs: times?.regionsMs,
    onRead: (entries) => table.update(entries),
  });
  health.tell('region', table.own.id);
  const close = async () => {
    await Promise.all([proxy.close(), owners.close(), api.close(), signaling.close(), status.close(), regions.close()]);
  };
  return { door, sockets, status, api, signaling, regions, close };
}

const systemTime = () => new Date();

function unbuilt(): never {
  throw new Error('configure runs after build');
}
