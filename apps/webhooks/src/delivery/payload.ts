import type { ClaimedDelivery } from '@parley/persistence';
import { encodeWebhookEvent, eventHeaders, type RoomSecrets, type StoredEvent } from '@parley/protocol-xroom';

/** What a delivery says: its body, and headers that say where its event stands. */
export interface Message {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The message of a delivery, JSON as in Appendix C of the xroom manual and in its style.
 * @param secrets looked up for `room.created` only
 * @throws ZodError when the event cannot be told
 */
export async function deliveryMessage(
  { webhookId, domain, detailed, event }: ClaimedDelivery,
  secrets: () => Promise<RoomSecrets>,
): Promise<Message> {
  const stored: StoredEvent = { ...event, domain };
  const telling = { webhookId, detailed, ...(event.type === 'room.created' ? { secrets: await secrets() } : {}) };
  return { body: JSON.stringify(encodeWebhookEvent(stored, telling)), headers: eventHeaders(stored) };
}
