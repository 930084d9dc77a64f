import { createHmac } from 'node:crypto';
import type { Receiver } from '@parley/testing';

/** An event as a webhook receiver gets it. */
export type WebhookEvent = Record<string, unknown> & { readonly event: string; readonly roomName?: string };

/**
 * Makes a receiver prove that it knows the webhook key, and say ok to everything else.
 * @param delayMs how long it takes to say ok
 */
export function answerHandshakes(receiver: Receiver, webhookKey: string, delayMs = 0): void {
  receiver.answer((request) => {
    const event = JSON.parse(request.body) as WebhookEvent & { signThis?: string };
    if (event.event !== 'validation') return { status: 200, delayMs };
    return {
      status: 200,
      body: createHmac('sha256', webhookKey)
        .update(event.signThis ?? '')
        .digest('hex'),
    };
  });
}

/** The events that were delivered for a room, in the order of their arrival. */
export function toldOf(receiver: Receiver, roomName: string): WebhookEvent[] {
  return receiver.requests
    .map((request) => JSON.parse(request.body) as WebhookEvent)
    .filter((event) => event.roomName === roomName);
}

/** The ids under which a room's events were delivered: several when one was told more than once under different ids. */
export function idsOf(receiver: Receiver, roomName: string): ReadonlySet<string | undefined> {
  const its = receiver.requests.filter((request) => (JSON.parse(request.body) as WebhookEvent).roomName === roomName);
  return new Set(its.map(({ headers }) => headers['webhook-id']));
}
