import type { Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import type { IdSource } from '../kernel/id-source';
import type { AccountId, DomainName, EventId, WebhookId } from '../kernel/ids';
import type { UnitOfWork } from '../kernel/unit-of-work';
import { ownDomain, ownerOf } from '../tenancy/own-domain';
import type { Domain, TenancyStore } from '../tenancy/tenancy';
import type {
  DeliveryFigures,
  ManagedWebhook,
  ManagedWebhookStore,
  ValidationRecord,
  WebhookChanges,
} from './managed-webhook';
import type { NewWebhook } from './webhook';
import { createWebhookSecret, rotateWebhookSecret, type WebhookSecretRecord } from './webhook-secrets';
import { VALIDATION_WAIT_MS, webhookNotFound, type WebhookService, type WebhookValidator } from './webhook.service';
import { checkWebhookUrl, type ReceiverRules } from './webhook-url';

/** Handshakes that are shown of a webhook. */
const VALIDATIONS_SHOWN = 100;

export interface WebhookManagerParts {
  readonly uow: UnitOfWork;
  readonly tenancy: Pick<TenancyStore, 'domain' | 'region'>;
  readonly store: ManagedWebhookStore;
  readonly webhooks: WebhookService;
  readonly validator: WebhookValidator;
  readonly receivers: ReceiverRules;
  readonly ids: IdSource;
  readonly clock: Clock;
  /** Tells the dispatcher to look at what waits; losing it only costs time. Must not throw. */
  readonly wake: () => void;
}

/** Webhooks as accounts manage them over the REST API. A tenant reaches only those of its own domains. */
export class WebhookManager {
  constructor(private readonly parts: WebhookManagerParts) {}

  /**
   * Adds a webhook with a signing secret of its own, which is shown only here (a robot needs none), and waits for its
   * handshake as {@link WebhookService.add} does. All its payloads are detailed.
   * @throws DomainError as {@link WebhookService.add}
   */
  async add(
    account: AccountId,
    webhook: NewWebhook,
  ): Promise<{ readonly webhook: ManagedWebhook; readonly secret: string | null }> {
    const { webhooks, ids, clock, store } = this.parts;
    let secret: string | null = null;
    const { id } = await webhooks.add(account, { ...webhook, detailed: true }, async (stores, { id, target }) => {
      if (target.type === 'url') secret = await createWebhookSecret(stores, ids, id, clock.now());
    });
    const added = await store.find(id);
    if (added === null) throw webhookNotFound();
    return { webhook: added, secret };
  }

  /** @throws DomainError domain_not_found */
  async list(account: AccountId, domain: DomainName): Promise<readonly ManagedWebhook[]> {
    await ownDomain(this.parts, account, domain);
    return this.parts.store.list(domain);
  }

  /** @throws DomainError webhook_not_found, also when it is somebody else's; so do all the others */
  async get(
    account: AccountId,
    id: WebhookId,
  ): Promise<{ readonly webhook: ManagedWebhook; readonly deliveries: DeliveryFigures }> {
    const { webhook } = await this.own(account, id);
    return { webhook, deliveries: await this.parts.store.figures(id, this.parts.clock.now()) };
  }

  /**
   * Changes a webhook. At a new URL it has to prove itself; that is waited for as when it is added.
   * @throws DomainError webhook_not_found, webhook_url_not_allowed, invalid_input (a robot has no URL)
   */
  async change(account: AccountId, id: WebhookId, changes: WebhookChanges): Promise<ManagedWebhook> {
    const { clock, receivers, store, validator } = this.parts;
    const { webhook, domain } = await this.own(account, id);
    const { url, ...others } = changes;
    if (url !== undefined && webhook.target.type === 'robot') {
      throw new DomainError('invalid_input', 'A robot has no URL.');
    }
    const moves = url !== undefined && webhook.target.type === 'url' && url !== webhook.target.url;
    if (moves) checkWebhookUrl(url, domain.insecureWebhooks, receivers);
    const now = clock.now();
    await store.change(id, { ...others, ...(moves ? { url } : {}) }, now);
    if (moves) await validator.requestAndWait(account, id, VALIDATION_WAIT_MS);
    return this.present(id);
  }

  /** Its deliveries wait from now on. */
  async pause(account: AccountId, id: WebhookId): Promise<ManagedWebhook> {
    await this.own(account, id);
    await this.parts.store.pause(id, this.parts.clock.now());
    return this.present(id);
  }

  /** What waited is delivered, also when we had disabled it; one that is suspended has to prove itself as well. */
  async resume(account: AccountId, id: WebhookId): Promise<ManagedWebhook> {
    await this.own(account, id);
    await this.parts.store.resume(id, this.parts.clock.now());
    this.parts.wake();
    return this.present(id);
  }

  /**
   * Has a test event delivered to this webhook alone, whatever it lists.
   * @throws DomainError webhook_not_found, webhook_not_ready
   */
  async test(account: AccountId, id: WebhookId): Promise<EventId> {
    const { webhook } = await this.own(account, id);
    assertKeptFor(webhook);
    const { domain, roomName } = webhook;
    const event = { type: 'webhook.test', domain, roomName, roomSessionId: null, payload: {} } as const;
    const occurredAt = this.parts.clock.now();
    return this.parts.uow.run(({ outbox }) => outbox.append({ ...event, onlyWebhookId: id, occurredAt }));
  }

  /**
   * Does the handshake once more, as {@link WebhookService.validate} does.
   * @returns `error`: why it failed; null also when nobody answered in time
   */
  async validate(
    account: AccountId,
    id: WebhookId,
  ): Promise<{ readonly validated: boolean; readonly error: string | null }> {
    const validated = await this.parts.webhooks.validate(account, id);
    const { handshakeAwaited, lastValidationError } = await this.present(id);
    return { validated, error: handshakeAwaited ? null : lastValidationError };
  }

  /** Its newest handshakes, newest first. */
  async validations(account: AccountId, id: WebhookId): Promise<readonly ValidationRecord[]> {
    await this.own(account, id);
    return this.parts.store.validations(id, VALIDATIONS_SHOWN);
  }

  /** The secrets that sign now, without the secrets. */
  async secrets(account: AccountId, id: WebhookId): Promise<readonly WebhookSecretRecord[]> {
    await this.own(account, id);
    return this.parts.uow.run(({ webhookSecrets }) => webhookSecrets.signing(id, this.parts.clock.now()));
  }

  /**
   * Gives it a new signing secret, which is shown only here.
   * @param overlapHours how long the former one signs as well
   * @throws DomainError webhook_not_found, invalid_input, not_allowed
   */
  async rotateSecret(account: AccountId, id: WebhookId, overlapHours: number) {
    const { webhook } = await this.own(account, id);
    if (webhook.target.type === 'robot') throw new DomainError('invalid_input', 'A robot has no signing secret.');
    const now = this.parts.clock.now();
    return this.parts.uow.run((stores) => rotateWebhookSecret(stores, this.parts.ids, webhook, { overlapHours, now }));
  }

  private own(account: AccountId, id: WebhookId) {
    return ownManagedWebhook(this.parts, account, id);
  }

  private async present(id: WebhookId): Promise<ManagedWebhook> {
    const webhook = await this.parts.store.find(id);
    if (webhook === null) throw webhookNotFound();
    return webhook;
  }
}

/**
 * The webhook and its domain, if they are the account's own.
 * @throws DomainError webhook_not_found, the same for one that does not exist and one of another tenant; wrong_region
 */
export async function ownManagedWebhook(
  { store, tenancy }: Pick<WebhookManagerParts, 'store' | 'tenancy'>,
  account: AccountId,
  id: WebhookId,
): Promise<{ readonly webhook: ManagedWebhook; readonly domain: Domain }> {
  const webhook = await store.find(id);
  const domain = webhook && (await ownerOf(tenancy, account, webhook.domain));
  if (!webhook || !domain) throw webhookNotFound();
  return { webhook, domain };
}

/**
 * Deliveries to it are made, at the latest once it is not held back any more.
 * @throws DomainError webhook_not_ready
 */
export function assertKeptFor({ validated, provenAt, disabledAt }: ManagedWebhook): void {
  if (disabledAt !== null) throw new DomainError('webhook_not_ready', 'The webhook is disabled; resume it first.');
  if (!validated && provenAt === null)
    throw new DomainError('webhook_not_ready', 'The webhook has not proved itself yet.');
}
