import type { EventName } from '@parley/contracts';
import {
  brandAs,
  type DomainName,
  type OutboxEventType,
  parseDomainName,
  parseRoomName,
  type RoomName,
  type WebhookId,
  webhookNotFound,
  OUTBOX_EVENT_TYPES,
} from '@parley/domain';
import { WEBHOOK_EVENT_NAMES } from '@parley/protocol-xroom';
import { InvalidInput } from '../http/problems';

/** @throws DomainError webhook_not_found for what cannot be the id of one */
export function webhookIdOf(text: string): WebhookId {
  const id = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(id)) throw webhookNotFound();
  return brandAs<WebhookId>(id);
}

/** @throws InvalidInput */
export function domainOf(text: string): DomainName {
  const name = parseDomainName(text);
  if (!name.ok) throw new InvalidInput(name.error);
  return name.value;
}

/** @throws InvalidInput */
export function roomOf(text: string): RoomName {
  const name = parseRoomName(text);
  if (!name.ok) throw new InvalidInput(name.error);
  return name.value;
}

/** What a name of an event outside is called inside. */
export function eventTypeOf(name: EventName): OutboxEventType {
  const type = OUTBOX_EVENT_TYPES.find((each) => WEBHOOK_EVENT_NAMES[each] === name);
  if (type === undefined) throw new Error(`there is no event ${name}`);
  return type;
}
