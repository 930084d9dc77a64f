import type { RoomSessionId, WebhookDeliveryEvent } from '@parley/domain';
import type { Database, HandedDelivery } from '@parley/persistence';
import { encodeWebhookEvent, type RoomSecrets } from '@parley/protocol-xroom';

/** The password and host key of an opening, as they are now. */
export type SecretsOf = (room: RoomSessionId) => Promise<RoomSecrets>;

/** Seals what holds secrets, on all replicas alike. */
export type DeliverySealer = Pick<Database['sealer'], 'seal' | 'open'>;

/**
 * What a robot is told: the body that a URL would be sent, always with event id, room session, seq and time. `id` is the
 * delivery's, which is what it acknowledges; that of the webhook is `webhookId`.
 * @throws ZodError when the event cannot be told
 */
export async function deliveryEvent(
  { id, webhookId, event }: HandedDelivery,
  secretsOf: SecretsOf,
  sealer: DeliverySealer,
): Promise<WebhookDeliveryEvent> {
  const { type, roomSessionId } = event;
  const secrets = type === 'room.created' && roomSessionId !== null ? await secretsOf(roomSessionId) : undefined;
  const body = encodeWebhookEvent(event, { detailed: true, ...(secrets === undefined ? {} : { secrets }) });
  const told = { id, webhookId, ...body };
  if (secrets === undefined) return { kind: 'webhook-delivery', body: told };
  return { kind: 'webhook-delivery', body: { id }, sealed: sealer.seal(placeOf(id), JSON.stringify(told)) };
}

/**
 * The event with its whole body, to be written to the robot and kept nowhere.
 * @throws SealBroken
 */
export function openedDelivery(event: WebhookDeliveryEvent, sealer: DeliverySealer): WebhookDeliveryEvent {
  const { kind, body, sealed } = event;
  if (sealed === undefined) return event;
  // Sealed above, by a replica that knows the same master key.
  return { kind, body: JSON.parse(sealer.open(placeOf(body.id), sealed)) as WebhookDeliveryEvent['body'] };
}

function placeOf(delivery: string) {
  return { table: 'WebhookDelivery', row: delivery, column: 'body' };
}
