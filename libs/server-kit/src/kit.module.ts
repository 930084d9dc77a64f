import { type DynamicModule, type MiddlewareConsumer, Module, type NestModule, RequestMethod } from '@nestjs/common';
import { pinoHttp } from 'pino-http';
import { ClientAddresses } from './client-address';
import { Health } from './health';
import { Metrics } from './metrics';
import { requestFields, type Logger } from './logging';
import { UnknownErrorReporter } from './unknown-errors';

/** Injection token of the service's pino {@link Logger}. */
export const LOGGER = Symbol('parley.logger');

/** What every service is given before its own parts are built. */
export interface ServiceKit {
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly errors: UnknownErrorReporter;
  readonly clients: ClientAddresses;
}

/** Makes the kit injectable everywhere: by class, the logger by {@link LOGGER}. */
@Module({})
export class ServiceKitModule {
  static forRoot(kit: ServiceKit, root: Root): DynamicModule {
    const providers = [
      { provide: LOGGER, useValue: kit.logger },
      { provide: Health, useValue: kit.health },
      { provide: Metrics, useValue: kit.metrics },
      { provide: UnknownErrorReporter, useValue: kit.errors },
      { provide: ClientAddresses, useValue: kit.clients },
    ];
    return {
      module: ServiceKitModule,
      global: true,
      imports: [requestLog(kit.logger), root],
      providers,
      exports: providers,
    };
  }
}

/** A Nest module, plain or dynamic. */
export type Root = DynamicModule | (new (...args: never[]) => object);

/**
 * One line per request. Not nestjs-pino's module: it binds every request to an AsyncLocalStorage, and on Node before 24
 * the first such binding slows down every promise of the process for good.
 */
function requestLog(logger: Logger): DynamicModule {
  class RequestLogModule implements NestModule {
    configure(consumer: MiddlewareConsumer): void {
      consumer.apply(requestLogger(logger)).forRoutes({ path: '{*any}', method: RequestMethod.ALL });
    }
  }
  return { module: RequestLogModule };
}

function requestLogger(logger: Logger) {
  return pinoHttp({
    logger,
    serializers: {
      req: requestFields,
      res: (response: { statusCode: number }) => ({ status: response.statusCode }),
      // The stack of a real error stands in the line that reported it.
      err: (error: Error) => error.message,
    },
    wrapSerializers: false,
    customSuccessMessage: () => 'request done',
    customErrorMessage: () => 'request failed',
    customLogLevel: (request, response, error) => (failed(response, error) && !isProbe(request) ? 'warn' : 'debug'),
  });
}

function failed(response: { statusCode: number }, error: Error | undefined): boolean {
  return error !== undefined || response.statusCode >= 500;
}

/** Probes come every few seconds; why one fails is told once, by the check. */
function isProbe(request: Parameters<typeof requestFields>[0]): boolean {
  return requestFields(request).path?.startsWith('/health/') === true;
}
