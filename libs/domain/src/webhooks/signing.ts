import { createHmac } from 'node:crypto';

/**
 * What webhook bodies are signed with. Never the webhook key itself: the handshake makes receivers sign whatever they are
 * sent with that key, and most answer anybody, so a signature by it proves nothing about a body.
 */
const BODY_KEY_LABEL = 'parley-webhook-body-v1';

/** How Standard Webhooks writes a symmetric secret; the rest is Base64. */
const SECRET_PREFIX = 'whsec_';

/** The raw 32 bytes of HMAC-SHA256(key = "parley-webhook-body-v1", message = webhookKey as UTF-8). */
export function webhookBodyKey(webhookKey: string): Buffer {
  return createHmac('sha256', BODY_KEY_LABEL).update(webhookKey, 'utf8').digest();
}

/** A signing secret as its owner is shown it: `whsec_` and Base64. */
export function webhookSecretText(secret: Uint8Array): string {
  return SECRET_PREFIX + Buffer.from(secret).toString('base64');
}

/** The bytes that a secret shown as {@link webhookSecretText} signs with. */
export function webhookSecretBytes(text: string): Buffer {
  return Buffer.from(text.slice(SECRET_PREFIX.length), 'base64');
}

/** What a webhook's requests are signed with at a moment, newest first: several while a rotation's overlap lasts. */
export interface WebhookKeys {
  /** The domain's; there is always one. */
  readonly webhookKeys: readonly string[];
  /** The webhook's own secrets, as shown; none for one that was made without. */
  readonly secrets: readonly string[];
}

/** The keys of the two kinds of signature, newest first. */
export interface SigningKeys {
  /** For the Standard Webhooks headers. */
  readonly standard: readonly Buffer[];
  /** For `x-webhook-key`. */
  readonly legacy: readonly Buffer[];
}

/** A webhook with secrets of its own signs with those, another with what is derived from the domain's webhook key. */
export function deliveryKeys({ webhookKeys, secrets }: WebhookKeys): SigningKeys {
  const legacy = webhookKeys.map(webhookBodyKey);
  return { standard: secrets.length > 0 ? secrets.map(webhookSecretBytes) : legacy, legacy };
}

/**
 * For validation requests, which are signed with the derived keys as well: the first one reaches a receiver before its
 * owner was told the webhook's own secret, and whoever can answer it knows the webhook key.
 */
export function validationKeys(keys: WebhookKeys): SigningKeys {
  const legacy = keys.webhookKeys.map(webhookBodyKey);
  return { standard: [...keys.secrets.map(webhookSecretBytes), ...legacy], legacy };
}
