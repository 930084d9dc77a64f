import type { RoomSessionId, WebhookDeliveryEvent } from '@parley/domain';
import type { HandedDelivery } from '@parley/persistence';
import { encodeWebhookEvent, type RoomSecrets } from '@parley/protocol-xroom';

/** The password and host key of an opening, as they are now. */
export type SecretsOf = (room: RoomSessionId) => Promise<RoomSecrets>;

/**
 * What a robot is told: the body that a URL would be sent, always with event id, room session, seq and time. `id` is the
 * delivery's, which is what it acknowledges; that of the webhook is `webhookId`.
 * @throws ZodError when the event cannot be told
 */
export async function deliveryEvent(
  { id, webhookId, event }: HandedDelivery,
  secretsOf: SecretsOf,
): Promise<WebhookDeliveryEvent> {
  const { type, roomSessionId } = event;
  const secrets = type === 'room.created' && roomSessionId !== null ? await secretsOf(roomSessionId) : undefined;
  const body = encodeWebhookEvent(event, { detailed: true, ...(secrets === undefined ? {} : { secrets }) });
  return { kind: 'webhook-delivery', body: { id, webhookId, ...body } };
}
