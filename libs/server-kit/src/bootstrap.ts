import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ServerConfig } from '@parley/config';
import type { FastifyServerOptions } from 'fastify';
import type { DestinationStream } from 'pino';
import { ClientAddresses } from './client-address';
import { Health } from './health';
import { serveHealth } from './health.routes';
import { ServiceKitModule, type Root, type ServiceKit } from './kit.module';
import { createLogger } from './logging';
import { Metrics } from './metrics';
import { NestLogger } from './nest-logger';
import { watchProcess } from './shutdown';
import { endSilentConnections } from './silent-connections';
import { UnknownErrorReporter } from './unknown-errors';

/** The part of a service's configuration that the kit reads. */
export type KitConfig = { readonly [Key in keyof ServerConfig]: Readonly<ServerConfig[Key]> };

/** Limits of a service's HTTP side. */
export interface HttpLimits {
  readonly bodyBytes: number;
  /** For the whole request to arrive. */
  readonly requestTimeoutMs: number;
  /** For its headers to arrive. */
  readonly headersTimeoutMs: number;
  readonly keepAliveMs: number;
}

export const HTTP_LIMITS: HttpLimits = {
  bodyBytes: 1_048_576,
  requestTimeoutMs: 30_000,
  headersTimeoutMs: 10_000,
  keepAliveMs: 72_000,
};

export interface ServiceOptions {
  /** Name in logs, metrics and health, e.g. `api`. */
  readonly name: string;
  readonly config: KitConfig;
  /** The root module, or what builds it from the kit. */
  readonly module?: Root;
  readonly build?: (kit: ServiceKit) => Root | Promise<Root>;
  /** Last touches before it listens: filters, Fastify routes, upgrade handlers. */
  readonly configure?: (app: NestFastifyApplication, kit: ServiceKit) => void | Promise<void>;
  /** Runs after readiness was withdrawn and before connections are closed: finish or hand over what is under way. */
  readonly drain?: () => Promise<void>;
  /** Runs last, when no request is under way any more: close databases and the like. Also after a start that failed. */
  readonly release?: () => Promise<void>;
  /**
   * `raw`: every body arrives as a Buffer whatever its Content-Type, or without one. `stream`: it is left unread on the
   * raw request. Default `json`.
   */
  readonly body?: 'json' | 'raw' | 'stream';
  readonly limits?: Partial<HttpLimits>;
  /** Answers to what never becomes a request: unreadable bytes, impossible paths. Fastify's own JSON if absent. */
  readonly unreadable?: Pick<FastifyServerOptions, 'clientErrorHandler' | 'frameworkErrors'>;
  /** Listen to the process's signals and uncaught errors. False where several services share a process. */
  readonly ownsProcess?: boolean;
  readonly shutdownDeadlineMs?: number;
  /** Where log lines go; standard output if absent. */
  readonly logTo?: DestinationStream;
}

/** A service that listens. */
export interface RunningService extends ServiceKit {
  readonly app: NestFastifyApplication;
  readonly port: number;
  /** `http://host:port`, reachable from this machine. */
  readonly url: string;
  readonly metricsPort: number | undefined;
  /** Not ready -> drain -> close -> release. Repeating it waits for the same end. */
  close(): Promise<void>;
}

/**
 * Starts a service: logger, health, metrics, limits, the module, and an orderly end. When it cannot start, what it opened
 * is closed again, `release` included.
 */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const kit = createKit(options);
  const started: { app?: NestFastifyApplication } = {};
  try {
    return await launch(options, kit, started);
  } catch (error) {
    // The first error is the one to be told; what fails on the way out mostly follows from it.
    await Promise.allSettled([started.app?.close(), kit.metrics.close()]);
    await options.release?.().catch((failure: unknown) => kit.errors.report(failure, { during: 'failed start' }));
    throw error;
  }
}

/** @param started is told of the application as soon as there is one, for the case that the rest fails */
async function launch(
  options: ServiceOptions,
  kit: ServiceKit,
  started: { app?: NestFastifyApplication },
): Promise<RunningService> {
  const root = options.module ?? (await options.build?.(kit));
  if (root === undefined) throw new Error('startService needs a module or a build function');
  const app = await createApp(options, kit, root);
  started.app = app;
  await options.configure?.(app, kit);
  const { HOST, PORT, METRICS_PORT } = options.config;
  await app.listen(PORT, HOST);
  const metricsPort = METRICS_PORT === undefined ? undefined : await kit.metrics.listen(METRICS_PORT, HOST);
  const port = portOf(app, PORT);
  kit.logger.info({ host: HOST, port, metricsPort }, 'listening');
  let ended: Promise<void> | undefined;
  let unwatch = () => {};
  const close = () => (ended ??= endInOrder(options, kit, app).finally(() => unwatch()));
  if (options.ownsProcess !== false) {
    const { logger, errors } = kit;
    const deadlineMs = options.shutdownDeadlineMs ?? 25_000;
    unwatch = watchProcess({ logger, errors, close, deadlineMs, exit: (code) => process.exit(code) });
  }
  const host = HOST === '0.0.0.0' ? '127.0.0.1' : HOST.includes(':') ? `[${HOST === '::' ? '::1' : HOST}]` : HOST;
  return { ...kit, app, port, metricsPort, url: `http://${host}:${port}`, close };
}

function createKit({ name, config, logTo }: ServiceOptions): ServiceKit {
  const logger = createLogger({ service: name, level: config.LOG_LEVEL, destination: logTo });
  const health = new Health(logger);
  health.tell('service', name);
  return {
    logger,
    health,
    metrics: new Metrics(name),
    errors: new UnknownErrorReporter(logger),
    clients: new ClientAddresses(config.TRUSTED_PROXIES),
  };
}

async function createApp(options: ServiceOptions, kit: ServiceKit, root: Root): Promise<NestFastifyApplication> {
  const limits = { ...HTTP_LIMITS, ...options.limits };
  const adapter = new FastifyAdapter({
    ...options.unreadable,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    // Node looks for late requests this often; its default of 30 s would make the limits above meaningless.
    http: { headersTimeout: limits.headersTimeoutMs, connectionsCheckingInterval: 2_000 },
    trustProxy: (address: string) => kit.clients.isTrusted(address),
    genReqId: requestId,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 512 },
  });
  const app = await NestFactory.create<NestFastifyApplication>(ServiceKitModule.forRoot(kit, root), adapter, {
    bufferLogs: true,
    bodyParser: (options.body ?? 'json') === 'json',
    abortOnError: false,
  });
  app.useLogger(new NestLogger(kit.logger));
  const fastify = adapter.getInstance();
  endSilentConnections(fastify.server);
  if (options.body === 'raw' || options.body === 'stream') fastify.removeAllContentTypeParsers();
  if (options.body === 'raw') {
    fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  }
  if (options.body === 'stream') fastify.addContentTypeParser('*', (_request, _body, done) => done(null));
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    done();
  });
  serveHealth(adapter, kit.health);
  return app;
}

/** A request id that a caller gave, if it is harmless, else a new one. */
export function requestId(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{8,64}$/.test(given) ? given : randomUUID();
}

async function endInOrder(options: ServiceOptions, kit: ServiceKit, app: NestFastifyApplication): Promise<void> {
  kit.health.drain();
  const { SHUTDOWN_DELAY_MS } = options.config;
  if (SHUTDOWN_DELAY_MS > 0) await new Promise((resolve) => setTimeout(resolve, SHUTDOWN_DELAY_MS));
  try {
    await options.drain?.();
  } finally {
    await app.close();
    await options.release?.();
    await kit.metrics.close();
  }
}

function portOf(app: NestFastifyApplication, wanted: number): number {
  const address = app.getHttpServer().address();
  return typeof address === 'object' && address !== null ? address.port : wanted;
}
