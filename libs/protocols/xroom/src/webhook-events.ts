import {
  ALERT_REASONS,
  type EventPayloads,
  type JsonObject,
  type OutboxEventType,
  type RoomChangeFacts,
  type RoomType,
} from '@parley/domain';
import { z } from 'zod';
import { roomTypeCode } from './room-types';

/** What events are called outside: the two names of Appendix C, the others in its style. */
export const WEBHOOK_EVENT_NAMES = {
  'room.created': 'roomCreated',
  'room.removed': 'roomRemoved',
  'room.updated': 'roomUpdated',
  'peer.joined': 'peerJoined',
  'peer.left': 'peerLeft',
  'host.joined': 'hostJoined',
  'booking.added': 'bookingAdded',
  'booking.updated': 'bookingUpdated',
  'booking.removed': 'bookingRemoved',
  'booking.expired': 'bookingExpired',
  'webhook.test': 'webhookTest',
  'webhook.alert': 'webhookAlert',
} as const satisfies Record<OutboxEventType, string>;

export type WebhookEventName = (typeof WEBHOOK_EVENT_NAMES)[OutboxEventType];

const roomType = z.enum(['conference', 'webinar']);
const roomFacts = z.object({ type: roomType, capacity: z.number(), locked: z.boolean() });
const peerFacts = z.object({
  id: z.string(),
  userId: z.string().optional(),
  name: z.string().optional(),
  isHost: z.boolean().optional(),
});
const bookingFacts = z.object({ id: z.string(), validUntil: z.string() });
const nothing = z.object({});

/** What was kept of an event, as it comes back from the database. Members that nobody knows do not get out. */
const STORED = {
  'room.created': roomFacts,
  'room.removed': nothing,
  'room.updated': roomFacts.extend({
    changes: z.object({
      type: roomType.optional(),
      capacity: z.number().optional(),
      locked: z.boolean().optional(),
      passwordSet: z.boolean().optional(),
      hostKeySet: z.boolean().optional(),
    }),
  }),
  'peer.joined': peerFacts,
  'peer.left': peerFacts,
  'host.joined': peerFacts,
  'booking.added': bookingFacts,
  'booking.updated': bookingFacts,
  'booking.removed': bookingFacts,
  'booking.expired': bookingFacts,
  'webhook.test': nothing,
  'webhook.alert': z.object({
    webhookId: z.number(),
    reason: z.enum(ALERT_REASONS),
    percent: z.number().optional(),
  }),
} as const satisfies { [Type in OutboxEventType]: z.ZodType<EventPayloads[Type]> };

/** An event as the outbox holds it. */
export interface StoredEvent {
  readonly id: string;
  readonly type: OutboxEventType;
  readonly domain: string;
  readonly roomName: string | null;
  readonly roomSessionId: string | null;
  readonly seq: number;
  readonly occurredAt: Date;
  readonly payload: JsonObject;
}

/** The room's secrets as they are when an event is told; they are never kept in the outbox. */
export interface RoomSecrets {
  readonly password: string | null;
  readonly hostKey: string | null;
}

export interface Telling {
  /** Who is told; absent when events are read rather than delivered. */
  readonly webhookId?: number;
  /** Also `roomCreated` and `roomRemoved` say event id, room session, seq and time; the others always do. */
  readonly detailed: boolean;
  /** For `room.created` only. */
  readonly secrets?: RoomSecrets;
}

/**
 * The payload that tells of an event: those of Appendix C, key for key, and the others in their style.
 * @throws ZodError when the stored event is not one of its type
 */
export function encodeWebhookEvent(event: StoredEvent, telling: Telling): JsonObject {
  const { type, domain, roomName } = event;
  const plain = type === 'room.created' || type === 'room.removed';
  return {
    ...(telling.webhookId === undefined ? {} : { id: telling.webhookId }),
    event: WEBHOOK_EVENT_NAMES[type],
    domain,
    ...(roomName === null ? {} : { roomName }),
    ...(plain && !telling.detailed ? {} : placeOf(event)),
    ...ENCODERS[type](event.payload, telling.secrets),
  };
}

type Encoder = (stored: JsonObject, secrets: RoomSecrets | undefined) => JsonObject;

/** An event's own part of its payload. */
const ENCODERS: Readonly<Record<OutboxEventType, Encoder>> = {
  'room.created': (stored, { password, hostKey } = { password: null, hostKey: null }) => ({
    options: {
      ...optionsOf(STORED['room.created'].parse(stored)),
      ...(password === null ? {} : { password }),
      ...(hostKey === null ? {} : { hostKey }),
    },
  }),
  'room.removed': () => ({}),
  'room.updated': (stored) => {
    const facts = STORED['room.updated'].parse(stored);
    return { options: optionsOf(facts), changes: changesOf(facts.changes) };
  },
  'peer.joined': (stored) => ({ peer: STORED['peer.joined'].parse(stored) }),
  'peer.left': (stored) => ({ peer: STORED['peer.left'].parse(stored) }),
  'host.joined': (stored) => ({ peer: STORED['host.joined'].parse(stored) }),
  'booking.added': (stored) => ({ booking: STORED['booking.added'].parse(stored) }),
  'booking.updated': (stored) => ({ booking: STORED['booking.updated'].parse(stored) }),
  'booking.removed': (stored) => ({ booking: STORED['booking.removed'].parse(stored) }),
  'booking.expired': (stored) => ({ booking: STORED['booking.expired'].parse(stored) }),
  'webhook.test': () => ({}),
  'webhook.alert': (stored) => ({ alert: STORED['webhook.alert'].parse(stored) }),
};

function placeOf({ id, roomSessionId, seq, occurredAt }: StoredEvent): JsonObject {
  return { eventId: id, roomSessionId, seq, occurredAt: occurredAt.toISOString() };
}

function optionsOf(room: { type: RoomType; capacity: number; locked: boolean }): JsonObject {
  return { type: roomTypeCode(room.type), capacity: room.capacity, isLocked: room.locked };
}

function changesOf({ type, locked, ...rest }: RoomChangeFacts): JsonObject {
  return {
    ...(type === undefined ? {} : { type: roomTypeCode(type) }),
    ...(locked === undefined ? {} : { isLocked: locked }),
    ...rest,
  };
}

/** Where an event stands, as the headers of a delivery say it beside the payload. Absent: it is of no opening. */
export function eventHeaders({ id, roomSessionId, seq, occurredAt }: StoredEvent): Record<string, string> {
  return {
    'x-parley-event-id': id,
    ...(roomSessionId === null ? {} : { 'x-parley-room-session-id': roomSessionId }),
    'x-parley-seq': String(seq),
    'x-parley-occurred-at': occurredAt.toISOString(),
  };
}
