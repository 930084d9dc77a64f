import { createHmac } from 'node:crypto';
import { eventually, type Receiver } from '@parley/testing';

/** An event as a webhook receiver gets it. */
export type WebhookEvent = Record<string, unknown> & { readonly event: string; readonly roomName?: string };

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/**
 * Makes a receiver prove that it knows the webhook key, say ok to everything else that is signed as it should be (header
 * x-webhook-key), and refuse the rest.
 * @param delayMs how long it takes to say ok
 */
export function answerHandshakes(receiver: Receiver, webhookKey: string, delayMs = 0): void {
  receiver.answer((request) => {
    const event = JSON.parse(request.body) as WebhookEvent & { signThis?: string };
    if (event.event === 'validation') {
      return { status: 200, body: hmac(webhookKey, event.signThis ?? '').toString('hex') };
    }
    const expected = hmac(hmac('parley-webhook-body-v1', webhookKey), request.body).toString('hex');
    return { status: request.headers['x-webhook-key'] === expected ? 200 : 401, delayMs };
  });
}

/**
 * Waits until a webhook has proved itself. Whoever adds one is told after 5 s what is known then, and a receiver that stands
 * still for 3 s has failed.
 * @param added what its owner was answered
 * @param validate asks for another handshake
 */
export async function untilProven(
  added: { readonly id: number; readonly validated: boolean },
  validate: (id: number) => Promise<unknown>,
): Promise<void> {
  const hasPassed = async () => ((await validate(added.id)) as { validated: boolean }).validated;
  await eventually(async () => added.validated || (await hasPassed()), `webhook ${added.id} to prove itself`, 45_000);
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
