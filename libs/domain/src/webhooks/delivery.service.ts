import type { Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import type { AccountId, DeliveryId, DomainName, WebhookId } from '../kernel/ids';
import { ownDomain, ownerOf } from '../tenancy/own-domain';
import type { TenancyStore } from '../tenancy/tenancy';
import type {
  DeliveryAttempt,
  DeliveryFilter,
  DeliveryLog,
  DeliveryPage,
  DeliveryPlace,
  DeliveryRecord,
  EventFilter,
  EventLog,
  ResendRange,
  Resent,
} from './delivery-log';
import type { OutboxEventType } from './events';
import type { ManagedWebhookStore } from './managed-webhook';
import { assertKeptFor, ownManagedWebhook } from './webhook-manager';

/** Most deliveries that one call sets to be sent. */
export const RESENT_AT_ONCE = 10_000;

/** From when to when, and behind which position a former call stopped. */
export interface ResendRequest {
  readonly since: Date;
  /** Absent: now. */
  readonly until?: Date;
  readonly after?: bigint;
}

export interface DeliveryServiceParts {
  readonly tenancy: Pick<TenancyStore, 'domain' | 'region'>;
  readonly store: ManagedWebhookStore;
  readonly log: DeliveryLog;
  readonly events: EventLog;
  readonly clock: Clock;
  /** Tells the dispatcher to look at what waits; losing it only costs time. Must not throw. */
  readonly wake: () => void;
}

/** What became of events, and sending them again. A tenant reaches only its own domains. */
export class DeliveryService {
  constructor(private readonly parts: DeliveryServiceParts) {}

  /**
   * Deliveries of a webhook, newest first.
   * @throws DomainError webhook_not_found
   */
  async list(
    account: AccountId,
    webhook: WebhookId,
    filter: DeliveryFilter,
    page: { readonly after: DeliveryPlace | null; readonly limit: number },
  ): Promise<DeliveryPage> {
    await ownManagedWebhook(this.parts, account, webhook);
    return this.parts.log.list(webhook, filter, page);
  }

  /** @throws DomainError delivery_not_found, also when it is somebody else's; wrong_region */
  async get(
    account: AccountId,
    id: DeliveryId,
  ): Promise<{ readonly delivery: DeliveryRecord; readonly attempts: readonly DeliveryAttempt[] }> {
    const delivery = await this.own(account, id);
    return { delivery, attempts: await this.parts.log.attempts(id) };
  }

  /**
   * Has a delivery sent again at once, whatever became of it.
   * @throws DomainError delivery_not_found, webhook_not_found (it was removed), webhook_not_ready
   */
  async resend(account: AccountId, id: DeliveryId): Promise<DeliveryRecord> {
    const { webhookId } = await this.own(account, id);
    await this.receiving(account, webhookId);
    await this.parts.log.resend(id);
    this.parts.wake();
    return this.own(account, id);
  }

  /**
   * Has the deliveries sent again that were given up.
   * @throws DomainError webhook_not_found, webhook_not_ready, invalid_input
   */
  async recover(account: AccountId, id: WebhookId, request: ResendRequest): Promise<Resent> {
    await this.receiving(account, id);
    const resent = await this.parts.log.recover(id, this.rangeOf(request));
    this.parts.wake();
    return resent;
  }

  /**
   * Has events of the webhook's room or domain sent, those that it got and those that it never got, in their order.
   * @throws DomainError webhook_not_found, webhook_not_ready, invalid_input
   */
  async replay(
    account: AccountId,
    id: WebhookId,
    request: ResendRequest & { readonly types?: readonly OutboxEventType[] },
  ): Promise<Resent> {
    const { events } = await this.receiving(account, id);
    const resent = await this.parts.log.replay(id, request.types ?? events, this.rangeOf(request));
    this.parts.wake();
    return resent;
  }

  /**
   * The domain's events behind a position, as an alternative to being told.
   * @throws DomainError domain_not_found
   */
  async events(
    account: AccountId,
    domain: DomainName,
    filter: EventFilter,
    page: { readonly after: bigint; readonly limit: number },
  ): ReturnType<EventLog['read']> {
    await ownDomain(this.parts, account, domain);
    return this.parts.events.read(domain, filter, page);
  }

  /**
   * Where the domain's events end now.
   * @throws DomainError domain_not_found
   */
  async latest(account: AccountId, domain: DomainName): Promise<bigint> {
    await ownDomain(this.parts, account, domain);
    return (await this.parts.events.heads([domain])).get(domain) ?? 0n;
  }

  private async own(account: AccountId, id: DeliveryId): Promise<DeliveryRecord> {
    const delivery = await this.parts.log.find(id);
    if (!delivery || !(await ownerOf(this.parts.tenancy, account, delivery.domain))) {
      throw new DomainError('delivery_not_found', 'There is no delivery with this id.');
    }
    return delivery;
  }

  private async receiving(account: AccountId, id: WebhookId) {
    const { webhook } = await ownManagedWebhook(this.parts, account, id);
    assertKeptFor(webhook);
    return webhook;
  }

  private rangeOf({ since, until = this.parts.clock.now(), after = 0n }: ResendRequest): ResendRange {
    if (until <= since) throw new DomainError('invalid_input', 'until must be later than since.');
    return { since, until, after, limit: RESENT_AT_ONCE };
  }
}
