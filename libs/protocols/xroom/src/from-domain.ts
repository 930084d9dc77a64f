import { type Booking, type DomainName, type Member, type Room, roomPath, type Webhook } from '@parley/domain';
import { peerTypeCode, roomTypeCode } from './room-types';
import type { BookingObject, RoomList, RoomObject, WebhookObject } from './wire.schema';

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

/** Body of the request that asks a webhook to prove that it knows the domain's key. */
export function encodeValidationRequest(signThis: string): { event: 'validation'; signThis: string } {
  return { event: 'validation', signThis };
}
