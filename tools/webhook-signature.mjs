/** Tells whether a webhook request is Parley's: what the README says under "Receiving webhooks", without a library. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Older or younger requests are somebody's recording, in seconds (Standard Webhooks). */
const TOLERANCE_SECONDS = 300;

/** Why a request is refused that somebody signed, with a key that is not ours. */
export const OF_ANOTHER_KEY = 'its signature is of another key';

const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

/** What bodies are signed with for a webhook without a secret of its own. Never the webhook key itself. */
export function bodyKey(webhookKey) {
  return hmac('parley-webhook-body-v1', webhookKey);
}

/** What a receiver answers to a handshake, with the webhook key itself. */
export function handshakeAnswer(webhookKey, signThis) {
  return hmac(webhookKey, signThis).toString('hex');
}

/**
 * Why a request is not Parley's, or null when it is.
 * @param {{body: string, headers: Record<string, string | undefined>}} request
 * @param {{webhookKey: string, secret?: string | undefined}} keys `secret`: of the webhook's own, `whsec_...`
 * @param {Date} now
 */
export function whyNotGenuine({ body, headers }, { webhookKey, secret }, now) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (!id || !timestamp || !signatures) return 'it is not signed';
  if (!/^\d{1,12}$/.test(timestamp)) return 'its timestamp is none';
  if (Math.abs(now.getTime() / 1_000 - Number(timestamp)) > TOLERANCE_SECONDS) {
    return 'it is more than five minutes old, or a clock is wrong';
  }
  const keys = [bodyKey(webhookKey)];
  if (secret !== undefined) keys.push(Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
  const given = signatures
    .split(' ')
    .filter((each) => each.startsWith('v1,'))
    .map((each) => Buffer.from(each.slice('v1,'.length), 'base64'));
  const isSignedWith = (key) => {
    const expected = hmac(key, `${id}.${timestamp}.${body}`);
    return given.some((each) => each.length === expected.length && timingSafeEqual(each, expected));
  };
  return keys.some(isSignedWith) ? null : OF_ANOTHER_KEY;
}
