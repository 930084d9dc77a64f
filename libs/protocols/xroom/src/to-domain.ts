import {
  brandAs,
  type DomainName,
  fail,
  ok,
  parseDomainName,
  parseRoomName,
  parseRoomPath,
  type Result,
  type RoomName,
  type SessionId,
  type Webhook,
  type WebhookId,
} from '@parley/domain';
import type { WireError } from './codec';
import type { RoomRef, XroomCommand } from './command';
import { roomTypeOf } from './room-types';
import type { XroomRequest } from './wire.schema';

type Translated = Result<XroomCommand, WireError>;
type Data<Call extends XroomRequest['call']> = Extract<XroomRequest, { call: Call }>['data'];

const refused = (message: string) => fail<WireError>({ code: 'refused', message });

/** Turns a checked request into a command of the core. Refuses names and times that cannot be. */
export function toDomain(request: XroomRequest): Translated {
  switch (request.call) {
    case 'room/init':
      return onRoom(request.data.id, (room) => openRoom(room, request.data));
    case 'room/destroy':
      return onRoom(request.data.id, (room) => ({ kind: 'close-room', room, force: request.data.forceKick ?? false }));
    case 'room/kickOut':
      return onRoom(request.data.id, (room) => ({ kind: 'kick', room, who: whoIs(request.data.peerId) }));
    case 'room/setLock':
      return onRoom(request.data.id, (room) => ({ kind: 'lock-room', room, locked: request.data.lock }));
    case 'room/setPassword':
      return onRoom(request.data.id, (room) => ({ kind: 'set-password', room, password: request.data.password }));
    case 'room/list':
      if (request.data.domain === undefined) return ok({ kind: 'list-rooms' });
      return onDomain(request.data.domain, (domain) => ({ kind: 'list-rooms', domain }));
    case 'booking/add':
      return onTime(request.data, (room, validUntil) => ({ kind: 'add-booking', room, validUntil }));
    case 'booking/update':
      return onTime(request.data, (room, validUntil) => ({ kind: 'update-booking', room, validUntil }));
    case 'booking/remove':
      return onNames(request.data, (room) => ({ kind: 'remove-booking', room }));
    case 'booking/get':
      return onNames(request.data, (room) => ({ kind: 'get-booking', room }));
    case 'booking/list':
      return onDomain(request.data.domain, (domain) => ({ kind: 'list-bookings', domain }));
    case 'webhook/add':
      return addWebhook(request.data);
    case 'webhook/list':
      return onDomain(request.data.domain, (domain) => listWebhooks(domain, request.data));
    case 'webhook/remove':
      return ok({ kind: 'remove-webhook', id: brandAs<WebhookId>(request.data.id) });
    case 'webhook/validate':
      return ok({ kind: 'validate-webhook', id: brandAs<WebhookId>(request.data.id) });
  }
}

function onRoom(id: string, make: (room: RoomRef) => XroomCommand): Translated {
  const room = parseRoomPath(id);
  return room.ok ? ok(make(room.value)) : refused(`id: ${room.error}`);
}

function onNames(data: { domain: string; roomName: string }, make: (room: RoomRef) => XroomCommand): Translated {
  const name = parseRoomName(data.roomName);
  if (!name.ok) return refused(`roomName: ${name.error}`);
  return onDomain(data.domain, (domain) => make({ domain, name: name.value }));
}

function onTime(data: Data<'booking/add'>, make: (room: RoomRef, validUntil: Date) => XroomCommand): Translated {
  const validUntil = parseTime(data.validUntil);
  if (validUntil === undefined) {
    return refused('validUntil: must be a date-time in ISO 8601 with its offset, or milliseconds since 1970.');
  }
  return onNames(data, (room) => make(room, validUntil));
}

function onDomain(text: string, make: (domain: DomainName) => XroomCommand): Translated {
  const domain = parseDomainName(text);
  return domain.ok ? ok(make(domain.value)) : refused(`domain: ${domain.error}`);
}

function openRoom(room: RoomRef, data: Data<'room/init'>): XroomCommand {
  return {
    kind: 'open-room',
    room,
    wantsHostKey: data.addHostKey ?? false,
    ...(data.type === undefined ? {} : { type: roomTypeOf(data.type) }),
    ...(data.lock === undefined ? {} : { locked: data.lock }),
    ...(data.key === undefined ? {} : { password: data.key }),
  };
}

function whoIs(peerId: string): SessionId | 'everyone' {
  return peerId === 'all' ? 'everyone' : brandAs<SessionId>(peerId);
}

function addWebhook(data: Data<'webhook/add'>): Translated {
  const name: Result<RoomName | null, string> = data.roomName === undefined ? ok(null) : parseRoomName(data.roomName);
  if (!name.ok) return refused(`roomName: ${name.error}`);
  const target = webhookTarget(data);
  if (!target.ok) return target;
  return onDomain(data.domain, (domain) => ({
    kind: 'add-webhook',
    domain,
    roomName: name.value,
    target: target.value,
  }));
}

function webhookTarget(data: Data<'webhook/add'>): Result<Webhook['target'], WireError> {
  if (data.type === 'url') {
    return data.url === undefined
      ? refused('url: must be given for the type url.')
      : ok({ type: 'url', url: data.url });
  }
  return data.robotId === undefined
    ? refused('robotId: must be given for the type robot.')
    : ok({ type: 'robot', robotId: data.robotId });
}

function listWebhooks(domain: DomainName, data: Data<'webhook/list'>): XroomCommand {
  return {
    kind: 'list-webhooks',
    domain,
    // An empty search text searches for nothing in particular.
    ...(data.token ? { token: data.token } : {}),
    ...(data.validated === undefined ? {} : { validated: data.validated }),
  };
}

/** The last moment with a four-digit year: later ones have no common ISO form. */
const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
/** A date-time must carry its offset; "local time" would be the server's. */
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** "JS format": ISO 8601 text or milliseconds since 1970. */
export function parseTime(value: string | number): Date | undefined {
  if (typeof value === 'string' && !ISO_TIME.test(value)) return undefined;
  const time = new Date(value).getTime();
  return Number.isNaN(time) || time < 0 || time > LAST_MOMENT ? undefined : new Date(time);
}
