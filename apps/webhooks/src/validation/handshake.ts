import { checkChallengeAnswer, validationKeys, type Clock, type IdSource, type WebhookKeys } from '@parley/domain';
import { encodeValidationRequest } from '@parley/protocol-xroom';
import type { ReachPolicy } from '@parley/server-kit';
import { signatureHeaders } from '../sender/signature';
import type { PostingOutcome, WebhookSender } from '../sender/webhook-sender';

/** What a handshake came to; `error` is fit for the webhook's owner. */
export type HandshakeOutcome =
  | { readonly kind: 'passed'; readonly status: number }
  /** `status` of the answer; null: there was none. */
  | { readonly kind: 'failed'; readonly error: string; readonly status: number | null }
  | { readonly kind: 'interrupted' };

/** As many random bytes as the manual's example has. */
const CHALLENGE_BYTES = 16;

export interface HandshakeOptions {
  readonly sender: Pick<WebhookSender, 'post'>;
  readonly ids: IdSource;
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly stop: AbortSignal;
}

/** Whom to shake hands with. */
export interface HandshakePartner {
  /** Names the request, and the handshake in the webhook's history; without a dot. */
  readonly id: string;
  readonly url: string;
  readonly policy: ReachPolicy;
  readonly keys: WebhookKeys;
}

/**
 * Lets a receiver prove that it knows the domain's webhook key: it is sent random text and has to answer it signed (xroom
 * manual, collection webhook). Each handshake has a text of its own, so an old answer proves nothing. The request is
 * signed as deliveries are, so that a receiver may refuse to sign for anybody else.
 */
export async function shakeHands(
  { sender, ids, clock, deadlineMs, stop }: HandshakeOptions,
  { id, url, policy, keys }: HandshakePartner,
): Promise<HandshakeOutcome> {
  const signThis = ids.random(CHALLENGE_BYTES);
  const body = JSON.stringify(encodeValidationRequest(signThis));
  const headers = { ...signatureHeaders(validationKeys(keys), { id, sentAt: clock.now(), body }) };
  const outcome = await sender.post({ url, policy, body, headers, deadlineMs, stop });
  return verdictOn(outcome, keys.webhookKeys, signThis);
}

function verdictOn(outcome: PostingOutcome, webhookKeys: readonly string[], signThis: string): HandshakeOutcome {
  switch (outcome.kind) {
    case 'interrupted':
      return outcome;
    case 'no-way-out':
      return { kind: 'interrupted' };
    case 'timeout':
      return failed('The receiver did not answer in time.');
    case 'refused':
    case 'unreachable':
      return failed(outcome.reason);
    case 'answered':
  }
  const { status, body } = outcome;
  if (status < 200 || status >= 300) return failed(`The receiver answered ${status}.`, status);
  return webhookKeys.some((key) => checkChallengeAnswer(key, signThis, body))
    ? { kind: 'passed', status }
    : failed('The answer is not the signature of signThis with the webhook key of the domain.', status);
}

function failed(error: string, status: number | null = null): HandshakeOutcome {
  return { kind: 'failed', error, status };
}
