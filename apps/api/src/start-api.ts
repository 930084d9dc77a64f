import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { MAX_BODY_BYTES } from '@parley/protocol-xroom';
import { type RunningService, type ServiceKit, type ServiceOptions, startService } from '@parley/server-kit';
import { startAdmin } from './admin/start-admin';
import { ApiModule } from './api.module';
import { createParts, type Parts } from './parts';
import type { ApiConfig } from './config';
import { ErrorFilter } from './http/error.filter';
import { pathOf } from './http/raw-request';
import { JOIN_CORS } from './join/join.controller';
import { homeHook } from './home/home-hook';
import { openMachines } from './machines';
import { giveBackHook } from './v1/account-guard';
import { answerImpossiblePath, answerUnreadable } from './xroom/send-envelope';

/** A running api: the outside and, on a port of its own, the operator's REST. */
export interface RunningApi {
  readonly url: string;
  readonly adminUrl: string;
  close(): Promise<void>;
}

/** What differs in tests. */
export type ApiOptions = Pick<ServiceOptions, 'ownsProcess' | 'logTo'>;

/** Starts the api. */
export async function startApi(config: ApiConfig, options: ApiOptions = {}): Promise<RunningApi> {
  let parts: Parts | undefined;
  let admin: RunningService | undefined;
  const service = await startService({
    ...options,
    name: 'api',
    config,
    body: 'raw',
    limits: { bodyBytes: MAX_BODY_BYTES },
    unreadable: { clientErrorHandler: answerUnreadable, frameworkErrors: answerImpossiblePath },
    build: async (kit) => {
      parts = createParts(config, kit, openMachines(config, kit));
      admin = await startAdmin(
        config,
        { database: parts.machines.database, rooms: parts.rooms, regions: parts.regions, health: kit.health },
        options,
      );
      return ApiModule.with(parts);
    },
    configure: (app, kit) => configure(app, kit, parts),
    drain: async () => parts?.drain(),
    release: async () => {
      await admin?.close();
      await parts?.close();
    },
  });
  return { url: service.url, adminUrl: admin?.url ?? '', close: () => service.close() };
}

function configure(app: NestFastifyApplication, kit: ServiceKit, parts: Parts | undefined): void {
  const filter = new ErrorFilter(kit.errors);
  app.useGlobalFilters(filter);
  const fastify = app.getHttpAdapter().getInstance();
  if (parts !== undefined) {
    fastify.addHook('onRequest', homeHook(parts.homeCheck, filter));
    fastify.addHook('onSend', giveBackHook(parts.accounts.authenticator));
  }
  fastify.addHook('onRequest', (request, reply, done) => {
    if (pathOf(request) === '/join') void reply.headers(JOIN_CORS);
    // Nobody asks what a body calls itself; Fastify would refuse names that are malformed.
    if (request.headers['content-type'] !== undefined) request.raw.headers['content-type'] = 'application/octet-stream';
    done();
  });
}
