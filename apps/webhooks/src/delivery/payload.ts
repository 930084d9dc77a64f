import type { ClaimedDelivery } from '@parley/persistence';
import { encodeWebhookEvent, eventHeaders, type RoomSecrets, type StoredEvent } from '@parley/protocol-xroom';

/** What a delivery says: its body, and headers that say where its event stands. */
export interface Message {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The room's password and host key, as far as the body says them. */
  readonly secrets: readonly string[];
}

/** Kept instead of an answer that repeats a secret it was told. */
export const ANSWER_NOT_KEPT = '(not kept: it repeats a secret of the room)';

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
  const known = event.type === 'room.created' ? await secrets() : undefined;
  const telling = { webhookId, detailed, ...(known !== undefined && { secrets: known }) };
  return {
    body: JSON.stringify(encodeWebhookEvent(stored, telling)),
    headers: eventHeaders(stored),
    secrets: [known?.password, known?.hostKey].filter((secret) => typeof secret === 'string'),
  };
}

/** What may be kept of an answer: some receivers send back what they were sent, and no secret is to lie about in the log. */
export function keepable(answer: string, { secrets }: Pick<Message, 'secrets'>): string {
  const spellings = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  return spellings.some((spelling) => answer.includes(spelling)) ? ANSWER_NOT_KEPT : answer;
}
