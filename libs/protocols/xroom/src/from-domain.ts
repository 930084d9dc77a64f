import {
  type Booking,
  type DomainName,
  type Member,
  type Room,
  roomPath,
  type RoomType,
  type Webhook,
} from '@parley/domain';
import { peerTypeCode, roomTypeCode } from './room-types';
import type { BookingObject, RoomList, RoomObject, WebhookObject, WebhookPayload } from './wire.schema';

/** Answer of `init`. `key` and `hostKey` stand there when the room has them. */
export function encodeRoom(room: Room): { id: string; type: 1 | 2; isLocked: boolean; key?: string; hostKey?: string } {
  return {
    id: roomPath(room),
    type: roomTypeCode(room.policy.type),
    isLocked: room.policy.locked,
    ...(room.password === null ? {} : { key: room.password }),
    ...(room.hostKey === null ? {} : { hostKey: room.hostKey }),
  };
}

/** One open room with those who are in it. */
export function encodeRoomObject(room: Room, members: readonly Member[]): RoomObject {
  return {
    options: { type: roomTypeCode(room.policy.type), isLocked: room.policy.locked, password: room.password },
    clients: members.map((member) => ({ id: member.sessionId, type: peerTypeCode(room.policy.type, member.role) })),
  };
}

/** Answer of `room/list`: every domain asked for stands there, with `{}` when it is idle. */
export function encodeRoomList(
  domains: readonly { domain: DomainName; rooms: readonly { room: Room; members: readonly Member[] }[] }[],
): RoomList {
  return Object.fromEntries(
    domains.map(({ domain, rooms }) => [
      domain,
      Object.fromEntries(rooms.map(({ room, members }) => [roomPath(room), encodeRoomObject(room, members)])),
    ]),
  );
}

export function encodeBooking(booking: Booking): BookingObject {
  return { domain: booking.domain, roomName: booking.roomName, validUntil: booking.validUntil.toISOString() };
}

export function encodeWebhook(webhook: Webhook): WebhookObject {
  return {
    id: webhook.id,
    domain: webhook.domain,
    ...(webhook.roomName === null ? {} : { roomName: webhook.roomName }),
    ...(webhook.target.type === 'url' ? { url: webhook.target.url } : { robotId: webhook.target.robotId }),
  };
}

/** What a webhook is told. Secrets are filled in when the delivery is sent, never kept in the outbox. */
export type WebhookEvent =
  | {
      readonly type: 'room.created';
      readonly domain: string;
      readonly roomName: string;
      readonly options: {
        readonly type: RoomType;
        readonly capacity: number;
        readonly locked: boolean;
        readonly password: string | null;
        readonly hostKey: string | null;
      };
    }
  | { readonly type: 'room.removed'; readonly domain: string; readonly roomName: string };

/** Payload of Appendix C; `id` is the id of the webhook that is told. */
export function encodeWebhookEvent(webhookId: number, event: WebhookEvent): WebhookPayload {
  const { domain, roomName } = event;
  if (event.type === 'room.removed') return { id: webhookId, event: 'roomRemoved', domain, roomName };
  const { type, capacity, locked, password, hostKey } = event.options;
  return {
    id: webhookId,
    event: 'roomCreated',
    domain,
    roomName,
    options: {
      type: roomTypeCode(type),
      capacity,
      isLocked: locked,
      ...(password === null ? {} : { password }),
      ...(hostKey === null ? {} : { hostKey }),
    },
  };
}

/** Body of the request that asks a webhook to prove that it knows the domain's key. */
export function encodeValidationRequest(signThis: string): WebhookPayload {
  return { event: 'validation', signThis };
}
