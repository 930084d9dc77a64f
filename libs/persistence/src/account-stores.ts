import type { AccountKeyStore, DeliveryLog, EventLog, ManagedWebhookStore } from '@parley/domain';
import type { Database } from './database';
import { DeliveryLogStore } from './delivery/delivery-log.store';
import { EventLogStore } from './delivery/event-log.store';
import { withReadableErrors } from './prisma-errors';
import { PrismaAccountKeyStore } from './stores/account-key.store';
import { PrismaManagedWebhookStore } from './stores/managed-webhook.store';

/** What accounts manage and look up over the REST API, outside of transactions. Outages are DomainError unavailable. */
export interface AccountStores {
  readonly keys: AccountKeyStore;
  readonly webhooks: ManagedWebhookStore;
  readonly deliveries: DeliveryLog;
  readonly events: EventLog;
}

export function createAccountStores({ prisma, region }: Database): AccountStores {
  return {
    keys: withReadableErrors(new PrismaAccountKeyStore(prisma)),
    webhooks: withReadableErrors(new PrismaManagedWebhookStore(prisma)),
    deliveries: withReadableErrors(new DeliveryLogStore(prisma, region.id)),
    events: withReadableErrors(new EventLogStore(prisma)),
  };
}
