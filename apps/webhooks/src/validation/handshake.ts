import { checkChallengeAnswer, type IdSource } from '@parley/domain';
import { encodeValidationRequest } from '@parley/protocol-xroom';
import type { ReachPolicy } from '@parley/server-kit';
import type { PostingOutcome, WebhookSender } from '../sender/webhook-sender';

/** What a handshake came to; `error` is fit for the webhook's owner. */
export type HandshakeOutcome =
  { readonly kind: 'passed' } | { readonly kind: 'failed'; readonly error: string } | { readonly kind: 'interrupted' };

/** As many random bytes as the manual's example has. */
const CHALLENGE_BYTES = 16;

export interface HandshakeOptions {
  readonly sender: Pick<WebhookSender, 'post'>;
  readonly ids: IdSource;
  readonly deadlineMs: number;
  readonly stop: AbortSignal;
}

/**
 * Lets a receiver prove that it knows the domain's webhook key: it is sent random text and has to answer it signed (xroom
 * manual, collection webhook). Each handshake has a text of its own, so an old answer proves nothing.
 */
export async function shakeHands(
  { sender, ids, deadlineMs, stop }: HandshakeOptions,
  receiver: { readonly url: string; readonly webhookKey: string; readonly policy: ReachPolicy },
): Promise<HandshakeOutcome> {
  const signThis = ids.random(CHALLENGE_BYTES);
  const { url, policy, webhookKey } = receiver;
  const body = JSON.stringify(encodeValidationRequest(signThis));
  return verdictOn(await sender.post({ url, policy, body, deadlineMs, stop }), webhookKey, signThis);
}

function verdictOn(outcome: PostingOutcome, webhookKey: string, signThis: string): HandshakeOutcome {
  switch (outcome.kind) {
    case 'interrupted':
      return outcome;
    case 'timeout':
      return { kind: 'failed', error: 'The receiver did not answer in time.' };
    case 'refused':
    case 'unreachable':
      return { kind: 'failed', error: outcome.reason };
    case 'answered':
  }
  if (outcome.status < 200 || outcome.status >= 300) {
    return { kind: 'failed', error: `The receiver answered ${outcome.status}.` };
  }
  return checkChallengeAnswer(webhookKey, signThis, outcome.body)
    ? { kind: 'passed' }
    : { kind: 'failed', error: 'The answer is not the signature of signThis with the webhook key of the domain.' };
}
