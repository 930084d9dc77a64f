import { DomainError } from '../kernel/domain-error';
import type { Clock } from '../kernel/clock';
import type { AccountId, DomainName, WebhookId } from '../kernel/ids';
import type { IdSource } from '../kernel/id-source';
import type { Stores, UnitOfWork } from '../kernel/unit-of-work';
import { ownDomain } from '../tenancy/own-domain';
import { webhookBodyKey, webhookSecretText } from './signing';
import type { Webhook } from './webhook';

/** How long the former secret or key goes on signing beside the new one, in hours. */
export const OVERLAP_HOURS = { usual: 24, most: 7 * 24 } as const;

/** Most secrets of a webhook that sign at once: each makes the header longer. */
export const MOST_SIGNING_SECRETS = 10;

const SECRET_BYTES = 32;
const WEBHOOK_KEY_BYTES = 32;

/** A signing secret of a webhook, without the secret. */
export interface WebhookSecretRecord {
  readonly id: string;
  readonly createdAt: Date;
  /** Null: until it is replaced. */
  readonly signsUntil: Date | null;
}

/** Signing secrets of webhooks, sealed at rest. Shown once, by whoever made them. */
export interface WebhookSecretStore {
  /** Adds one that signs from now on. */
  add(
    webhook: WebhookId,
    secret: { readonly text: string; readonly signsUntil: Date | null },
    now: Date,
  ): Promise<void>;
  /** Those that sign at `now`, newest first. */
  signing(webhook: WebhookId, now: Date): Promise<readonly WebhookSecretRecord[]>;
  /** Lets those that sign now do so until `until` at most. Rotations of one webhook wait here for each other. */
  endBy(webhook: WebhookId, until: Date): Promise<void>;
}

/** What followed a former secret or key. */
interface Rotated {
  /** Null: the former one signs no more. */
  readonly formerSignsUntil: Date | null;
}

/** A webhook's new signing secret, shown only now. */
export interface RotatedWebhookSecret extends Rotated {
  readonly secret: string;
}

/** A domain's new webhook key, shown only now. */
export interface RotatedWebhookKey extends Rotated {
  readonly webhookKey: string;
}

/** Gives a new webhook its signing secret, `whsec_` and Base64 of 32 random bytes, to be shown only now. */
export async function createWebhookSecret(
  { webhookSecrets }: Pick<Stores, 'webhookSecrets'>,
  ids: IdSource,
  webhook: WebhookId,
  now: Date,
): Promise<string> {
  const text = webhookSecretText(Buffer.from(ids.random(SECRET_BYTES), 'hex'));
  await webhookSecrets.add(webhook, { text, signsUntil: null }, now);
  return text;
}

/**
 * Gives a webhook a new signing secret. The former ones sign as well for `overlapHours` at most; for a webhook that had
 * none, what is derived from its domain's webhook key does.
 * @throws DomainError invalid_input (the hours), not_allowed when too many would sign at once
 */
export async function rotateWebhookSecret(
  stores: Pick<Stores, 'webhookSecrets' | 'tenancy'>,
  ids: IdSource,
  webhook: Pick<Webhook, 'id' | 'domain'>,
  { overlapHours, now }: { readonly overlapHours: number; readonly now: Date },
): Promise<RotatedWebhookSecret> {
  const formerSignsUntil = endOfOverlap(overlapHours, now);
  const { webhookSecrets } = stores;
  await webhookSecrets.endBy(webhook.id, formerSignsUntil ?? now);
  if (formerSignsUntil !== null && (await webhookSecrets.signing(webhook.id, now)).length === 0) {
    const domain = await stores.tenancy.domain(webhook.domain);
    const derived = domain && webhookSecretText(webhookBodyKey(domain.webhookKey));
    if (derived !== null) await webhookSecrets.add(webhook.id, { text: derived, signsUntil: formerSignsUntil }, now);
  }
  const secret = await createWebhookSecret(stores, ids, webhook.id, now);
  if ((await webhookSecrets.signing(webhook.id, now)).length > MOST_SIGNING_SECRETS) throw tooManySecrets();
  return { secret, formerSignsUntil };
}

/** A new webhook key of a domain: text, as the handshake uses it. */
export function newWebhookKey(ids: IdSource): string {
  return ids.random(WEBHOOK_KEY_BYTES);
}

/**
 * When what is replaced now stops signing; null: now.
 * @throws DomainError invalid_input
 */
export function endOfOverlap(overlapHours: number, now: Date): Date | null {
  if (!Number.isInteger(overlapHours) || overlapHours < 0 || overlapHours > OVERLAP_HOURS.most) {
    throw new DomainError('invalid_input', `overlapHours is a whole number from 0 to ${OVERLAP_HOURS.most}.`);
  }
  return overlapHours === 0 ? null : new Date(now.getTime() + overlapHours * 3_600_000);
}

/** The webhook key of a domain, for the account it belongs to. */
export class WebhookKeyService {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly ids: IdSource,
    private readonly clock: Clock,
  ) {}

  /**
   * Gives the domain a new webhook key, which is shown only here. For `overlapHours` the former one signs as well and
   * passes handshakes; one before that is void at once.
   * @throws DomainError domain_not_found, invalid_input (the hours)
   */
  async rotate(
    account: AccountId,
    name: DomainName,
    overlapHours: number = OVERLAP_HOURS.usual,
  ): Promise<RotatedWebhookKey> {
    const formerSignsUntil = endOfOverlap(overlapHours, this.clock.now());
    const webhookKey = newWebhookKey(this.ids);
    await this.uow.run(async (stores) => {
      const domain = await ownDomain(stores, account, name);
      await stores.tenancy.replaceWebhookKey(domain.name, webhookKey, formerSignsUntil);
    });
    return { webhookKey, formerSignsUntil };
  }
}

function tooManySecrets(): DomainError {
  return new DomainError(
    'not_allowed',
    `${MOST_SIGNING_SECRETS} secrets sign already; wait until one lapses, or rotate without an overlap.`,
  );
}
