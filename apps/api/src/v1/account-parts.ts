import type { Provider, Type } from '@nestjs/common';
import {
  AccountKeyService,
  brandAs,
  cryptoIds,
  DeliveryService,
  OwnDomainService,
  type ReceiverRules,
  type RegionId,
  WebhookKeyService,
  WebhookManager,
  WebhookService,
  type WebhookValidator,
} from '@parley/domain';
import { createAccountStores } from '@parley/persistence';
import type { ServiceKit } from '@parley/server-kit';
import type { ApiConfig } from '../config';
import { type Machines, SYSTEM_CLOCK } from '../machines';
import type { XroomAuthenticator } from '../xroom/authenticator';
import { CallThrottle } from '../xroom/call-throttle';
import { AccountAuthenticator } from './account-authenticator';
import { AccountKeysController } from './account-keys.controller';
import { DeliveriesController } from './deliveries.controller';
import { OwnDomainsController } from './domains.controller';
import { EventPolling } from './event-polling';
import { EventWatch } from './event-watch';
import { EventsController } from './events.controller';
import { WebhooksController } from './webhooks.controller';

/** What the rest of the api has already. */
interface Shared {
  readonly webhooks: WebhookService;
  readonly validator: WebhookValidator;
  readonly receivers: ReceiverRules;
  readonly signatures: XroomAuthenticator;
}

/** What stands behind the REST API of accounts, `/v1`. */
export interface AccountParts {
  readonly authenticator: AccountAuthenticator;
  readonly providers: readonly Provider[];
  /** Answers those who wait for events. */
  close(): Promise<void>;
}

export const ACCOUNT_CONTROLLERS: readonly Type[] = [
  AccountKeysController,
  WebhooksController,
  DeliveriesController,
  EventsController,
  OwnDomainsController,
];

/** Puts the REST API of accounts together. */
export function createAccountParts(
  config: ApiConfig,
  kit: ServiceKit,
  machines: Machines,
  shared: Shared,
): AccountParts {
  const { database, live } = machines;
  const { webhooks, validator, receivers, signatures } = shared;
  const { tenancy } = database.stores;
  const region = brandAs<RegionId>(config.PARLEY_REGION);
  const clock = SYSTEM_CLOCK;
  const stores = createAccountStores(database);
  const keys = new AccountKeyService(stores.keys, clock, cryptoIds, region);
  const throttle = new CallThrottle(live.guards, {
    callsPerMinute: config.API_CALLS_PER_MINUTE,
    failuresPerMinute: config.API_FAILURES_PER_MINUTE_PER_ADDRESS,
  });
  // The dispatcher delivers to URLs, the gateways to robots.
  const wake = () => {
    machines.wakeDispatcher();
    machines.ringRobots();
  };
  const common = { tenancy, store: stores.webhooks, clock, wake };
  const manager = new WebhookManager({ ...common, uow: database.uow, webhooks, validator, receivers, ids: cryptoIds });
  const deliveries = new DeliveryService({ ...common, log: stores.deliveries, events: stores.events });
  const watch = new EventWatch(
    (domains) => stores.events.heads(domains),
    (error) => kit.logger.debug({ err: error }, 'those who wait for events could not be told'),
  );
  machines.onOutboxBell(() => watch.heard());
  return {
    authenticator: new AccountAuthenticator(keys, signatures, throttle, region),
    providers: [
      { provide: AccountKeyService, useValue: keys },
      { provide: WebhookService, useValue: webhooks },
      { provide: WebhookManager, useValue: manager },
      { provide: DeliveryService, useValue: deliveries },
      { provide: EventPolling, useValue: new EventPolling(deliveries, watch) },
      { provide: OwnDomainService, useValue: new OwnDomainService(database.uow) },
      { provide: WebhookKeyService, useValue: new WebhookKeyService(database.uow, cryptoIds, clock) },
    ],
    close: () => watch.close(),
  };
}
