import type { ClaimedDelivery } from '@parley/persistence';
import { encodeWebhookEvent, type WebhookEvent } from '@parley/protocol-xroom';
import { z } from 'zod';

/** What `room.created` keeps of the room in the outbox: how it was opened, without secrets. */
const openedAs = z.object({
  type: z.enum(['conference', 'webinar']),
  capacity: z.number(),
  locked: z.boolean(),
});

/** The room's secrets as they are at the moment of sending. */
export interface RoomSecrets {
  readonly password: string | null;
  readonly hostKey: string | null;
}

/**
 * The body of a delivery, JSON as in Appendix C of the xroom manual.
 * @param secrets looked up for `room.created` only
 */
export async function deliveryBody(
  { webhookId, domain, event }: ClaimedDelivery,
  secrets: () => Promise<RoomSecrets>,
): Promise<string> {
  const { roomName } = event;
  const told: WebhookEvent =
    event.type === 'room.removed'
      ? { type: event.type, domain, roomName }
      : {
          type: event.type,
          domain,
          roomName,
          options: { ...openedAs.parse(event.payload), ...(await secrets()) },
        };
  return JSON.stringify(encodeWebhookEvent(webhookId, told));
}
