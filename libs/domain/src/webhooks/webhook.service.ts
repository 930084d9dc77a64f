import type { Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { brandAs, type AccountId, type DomainName, type RobotId, type WebhookId } from '../kernel/ids';
import type { Stores, UnitOfWork } from '../kernel/unit-of-work';
import { ownRobot } from '../robots/robot.service';
import { ownDomain, ownerOf } from '../tenancy/own-domain';
import type { NewWebhook, Webhook } from './webhook';
import { checkWebhookUrl, type ReceiverRules } from './webhook-url';

/** How long `add` and `validate` wait for the handshake, in milliseconds. */
export const VALIDATION_WAIT_MS = 5_000;

/** Most webhooks of a domain: each event is delivered to each of them. */
export const WEBHOOKS_PER_DOMAIN = 100;

/** The way to the dispatcher, which alone reaches out to receivers. */
export interface WebhookValidator {
  /**
   * Wakes the dispatcher for a handshake that is committed as due, and waits for its outcome.
   * @param account who waits: too many calls of one account at once are not waited for
   * @returns false when it failed or took longer than `timeoutMs`; the dispatcher goes on by itself. Does not throw.
   */
  requestAndWait(account: AccountId, id: WebhookId, timeoutMs: number): Promise<boolean>;
}

/** Who is told of a domain's events (xroom collection `webhook`). A tenant reaches only its own domains. */
export class WebhookService {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly validator: WebhookValidator,
    private readonly clock: Clock,
    private readonly receivers: ReceiverRules,
  ) {}

  /**
   * Adds a webhook. A URL's handshake is waited for up to 5 s; without an answer it is answered with `validated: false`
   * and the dispatcher goes on. A robot is valid at once, if it is one of the account's.
   * @param also what else belongs to it, done in the same transaction
   * @throws DomainError domain_not_found, webhook_url_not_allowed, invalid_input, robot_not_found, not_allowed when the domain
   *   has too many
   */
  async add(
    account: AccountId,
    webhook: NewWebhook,
    also: (stores: Stores, added: Webhook) => Promise<void> = async () => undefined,
  ): Promise<Webhook> {
    const now = this.clock.now();
    const added = await this.uow.run(async (stores) => {
      const domain = await ownDomain(stores, account, webhook.domain);
      if (webhook.target.type === 'url') checkWebhookUrl(webhook.target.url, domain.insecureWebhooks, this.receivers);
      else await checkRobot(stores, account, webhook.target.robotId);
      const inserted = await stores.webhooks.insert(webhook, now);
      // Counted afterwards: giving out ids lets one addition in after the other, so none goes uncounted.
      if ((await stores.webhooks.list(domain.name, {})).length > WEBHOOKS_PER_DOMAIN) throw tooMany();
      await also(stores, inserted);
      return inserted;
    });
    if (added.target.type === 'robot') return added;
    const validated = await this.validator.requestAndWait(account, added.id, VALIDATION_WAIT_MS);
    return { ...added, validated, state: { kind: validated ? 'active' : 'pending' } };
  }

  /** @throws DomainError webhook_not_found, also when it is somebody else's */
  async remove(account: AccountId, id: WebhookId): Promise<void> {
    await this.uow.run(async (stores) => {
      await ownWebhook(stores, account, id);
      if (!(await stores.webhooks.remove(id, this.clock.now()))) throw webhookNotFound();
    });
  }

  /**
   * The domain's webhooks, oldest first.
   * @param filter `token`: part of the URL or of the room name; `validated`: only such
   * @throws DomainError domain_not_found
   */
  async list(
    account: AccountId,
    domain: DomainName,
    filter: { token?: string; validated?: boolean } = {},
  ): Promise<readonly Webhook[]> {
    return this.uow.run(async (stores) => {
      await ownDomain(stores, account, domain);
      return stores.webhooks.list(domain, filter);
    });
  }

  /**
   * Does the handshake once more and waits up to 5 s for it. A robot is always valid.
   * @returns whether it counts as validated: who passed before stays so through some failures
   * @throws DomainError webhook_not_found, also when it is somebody else's
   */
  async validate(account: AccountId, id: WebhookId): Promise<boolean> {
    const now = this.clock.now();
    const webhook = await this.uow.run(async (stores) => {
      const found = await ownWebhook(stores, account, id);
      if (found.target.type === 'url') await stores.webhooks.requestValidation(id, now);
      return found;
    });
    return webhook.target.type === 'robot' || this.validator.requestAndWait(account, id, VALIDATION_WAIT_MS);
  }
}

async function ownWebhook(stores: Stores, account: AccountId, id: WebhookId): Promise<Webhook> {
  const webhook = await stores.webhooks.find(id);
  if (!webhook || !(await ownerOf(stores.tenancy, account, webhook.domain))) throw webhookNotFound();
  return webhook;
}

/** The same for one that does not exist, one that was removed and one of another tenant. */
export function webhookNotFound(): DomainError {
  return new DomainError('webhook_not_found', 'There is no webhook with this id.');
}

function tooMany(): DomainError {
  return new DomainError(
    'not_allowed',
    `A domain has at most ${WEBHOOKS_PER_DOMAIN} webhooks; remove one before you add another.`,
  );
}

async function checkRobot(stores: Stores, account: AccountId, id: number): Promise<void> {
  if (!Number.isSafeInteger(id) || id < 0) throw new DomainError('invalid_input', 'A robot id is a whole number.');
  const robot = brandAs<RobotId>(id);
  await stores.robots.hold(robot);
  await ownRobot(stores, account, robot);
}
