import { createHmac } from 'node:crypto';
import { sameSecret } from '../kernel/same-secret';

/**
 * What a receiver has to answer to the validation request: lower-case hex HMAC-SHA256 of `signThis`, keyed with the
 * domain's webhook key. Both are taken as literal text, not decoded (xroom manual, collection webhook).
 */
export function challengeAnswer(webhookKey: string, signThis: string): string {
  return createHmac('sha256', webhookKey).update(signThis, 'utf8').digest('hex');
}

/**
 * Whether a receiver's body is the right answer. White space around it and JSON's double quotes are forgiven, as simple
 * receivers send them; the rest is compared in constant time.
 */
export function checkChallengeAnswer(webhookKey: string, signThis: string, body: string): boolean {
  const text = body.trim();
  const bare = text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).trim() : text;
  return sameSecret(bare.toLowerCase(), challengeAnswer(webhookKey, signThis));
}
