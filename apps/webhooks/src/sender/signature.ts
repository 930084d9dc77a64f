import { createHmac } from 'node:crypto';

/** The three headers of Standard Webhooks 1.0. */
export interface SignatureHeaders {
  readonly 'webhook-id': string;
  readonly 'webhook-timestamp': string;
  readonly 'webhook-signature': string;
}

/**
 * Signs a delivery after Standard Webhooks 1.0 (`v1`: HMAC-SHA256 over `id.timestamp.body`, base64). The secret is the
 * domain's webhook key, its UTF-8 bytes as they are: receivers construct their library with the key marked as raw.
 * @param id the same in all attempts of a delivery; without a dot
 */
export function signDelivery(webhookKey: string, id: string, sentAt: Date, body: string): SignatureHeaders {
  const timestamp = Math.floor(sentAt.getTime() / 1_000).toString();
  const digest = createHmac('sha256', webhookKey).update(`${id}.${timestamp}.${body}`, 'utf8').digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${digest}` };
}
