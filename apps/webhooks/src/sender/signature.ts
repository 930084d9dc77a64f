import { createHmac } from 'node:crypto';
import type { SigningKeys } from '@parley/domain';

/** The three headers of Standard Webhooks 1.0, and the one receivers of the xroom API are used to. */
export interface SignatureHeaders {
  readonly 'webhook-id': string;
  readonly 'webhook-timestamp': string;
  /** `v1,<base64>`, one per key, separated by spaces. */
  readonly 'webhook-signature': string;
  /** Lower-case hex, one per key, separated by commas. Signs the body alone: neither its time nor its id. */
  readonly 'x-webhook-key': string;
}

/** A request to a receiver, as it is signed. */
export interface SignedMessage {
  /** The same in all attempts of a delivery; without a dot. */
  readonly id: string;
  readonly sentAt: Date;
  readonly body: string;
}

/** Signs a request after Standard Webhooks 1.0 (`v1`: HMAC-SHA256 over `id.timestamp.body`) and the legacy way. */
export function signatureHeaders(keys: SigningKeys, { id, sentAt, body }: SignedMessage): SignatureHeaders {
  const timestamp = Math.floor(sentAt.getTime() / 1_000).toString();
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text, 'utf8');
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': keys.standard
      .map((key) => `v1,${hmac(key, `${id}.${timestamp}.${body}`).digest('base64')}`)
      .join(' '),
    'x-webhook-key': keys.legacy.map((key) => hmac(key, body).digest('hex')).join(','),
  };
}
