import type { CoreEvent, JsonValue, RoomListEvent, TransientEvent } from '@parley/domain';
import { chatFor } from './chat-relay';
import { DIALECT } from './features';
import { Frame, frameOf } from './frame';
import {
  byeFrame,
  changeFrame,
  eventFrame,
  flagsFrame,
  joinFrame,
  leaveFrame,
  messageFrame,
  roomFrame,
} from './from-domain';

/** What a client's frames of an event depend on, besides the event. */
export interface Receiver {
  /** The name the client knows its room by; empty outside one. */
  readonly roomId: string;
  /** A trusted service, which is told more. */
  readonly internal: boolean;
  /** Is not shown what others are called. */
  readonly hidesNames: boolean;
  /** Gets chat comments themselves. */
  readonly chatRelay: boolean;
}

const NONE: readonly Frame[] = [];

/**
 * The frames that tell a client of an event, made once per kind of receiver however many clients hear of it: they hear of
 * it one after the other, so only the latest event is remembered.
 */
export class EventFrames {
  private latest: CoreEvent | undefined;
  private variants = new Map<string, readonly Frame[]>();

  /** Empty when clients of this protocol are not told. */
  of(event: CoreEvent, receiver: Receiver): readonly Frame[] {
    if (event !== this.latest) {
      this.latest = event;
      // Not cleared: a cleared map's old table keeps its entries and points to the new one, so that garbage grows old.
      this.variants = new Map();
    }
    const variant = variantOf(event, receiver);
    let made = this.variants.get(variant);
    if (made === undefined) this.variants.set(variant, (made = encode(event, receiver)));
    return made;
  }
}

/** The same for all receivers that get the same bytes. */
function variantOf(event: CoreEvent, { roomId, internal, hidesNames, chatRelay }: Receiver): string {
  switch (event.kind) {
    case 'joined':
    case 'changed':
      return hidesNames ? 'hidden' : '';
    case 'room-closed':
      return internal ? 'internal' : '';
    case 'room-changed':
    case 'participants':
    case 'all-in-call':
    case 'flags':
      return roomId;
    case 'announcement':
      return `${Number(hidesNames)}${Number(chatRelay)}${roomId}`;
    default:
      return '';
  }
}

function encode(event: CoreEvent, receiver: Receiver): readonly Frame[] {
  switch (event.kind) {
    case 'message':
      // Messages of other protocols are translated once there is one that writes any.
      return event.dialect === DIALECT ? [messageFrame(event)] : NONE;
    case 'joined':
      return [joinFrame(event.members, receiver.hidesNames)];
    case 'left':
      return [leaveFrame(event.sessionIds)];
    case 'changed':
      return [changeFrame(event.members, receiver.hidesNames)];
    case 'room-closed':
      return closedFrames(receiver);
    case 'room-changed':
      return [roomFrame(undefined, receiver.roomId, event.properties)];
    case 'kicked':
      return [byeFrame(undefined, 'kicked')];
    case 'participants':
      return [participantsFrame(receiver.roomId, event.users)];
    case 'all-in-call':
      return [eventFrame('participants', 'update', { roomid: receiver.roomId, incall: event.inCall, all: true })];
    case 'flags':
      return [flagsFrame(receiver.roomId, event.sessionId, event.flags)];
    case 'announcement':
      return announced(event.data, receiver);
    case 'room-list':
      return [roomListFrame(event)];
    case 'moved':
      return [eventFrame('room', 'switchto', { roomid: event.roomName, details: event.details })];
    case 'transient':
      return [transientFrame(event)];
    case 'notice':
      return [frameOf({ type: event.topic, [event.topic]: event.data })];
    case 'ask':
      return [askFrame(event.askId, event.topic, event.data)];
    case 'relayed':
      return event.dialect === DIALECT ? [new Frame(event.raw)] : NONE;
    case 'webhook-delivery':
      return [eventFrame('webhook', 'deliver', event.body)];
    case 'permissions':
      return NONE;
  }
}

/** `participants/update` with everybody. */
export function participantsFrame(roomId: string, users: readonly object[]): Frame {
  return eventFrame('participants', 'update', { roomid: roomId, users });
}

/** The room's values for somebody who came in (section "Initial data"). */
export function initialFrame(data: object): Frame {
  return frameOf({ type: 'transient', transient: { type: 'initial', data } });
}

/** Services also hear that the room is no more; then, like everybody, that they are out. */
function closedFrames({ internal }: Receiver): readonly Frame[] {
  const out = roomFrame(undefined, '');
  return internal ? [frameOf({ type: 'event', event: { target: 'room', type: 'delete' } }), out] : [out];
}

function announced(data: JsonValue, receiver: Receiver): readonly Frame[] {
  return chatFor(data, receiver).map((shown) =>
    eventFrame('room', 'message', { roomid: receiver.roomId, data: shown }),
  );
}

/** Single objects, not lists (brief 2.8); a withdrawn invitation has a reason instead of properties. */
function roomListFrame({ change, roomName, properties, reason }: RoomListEvent): Frame {
  const type = { invited: 'invite', disinvited: 'disinvite', updated: 'update' }[change];
  return eventFrame('roomlist', type, { roomid: roomName, properties, reason });
}

function transientFrame({ change, key, value, oldValue }: TransientEvent): Frame {
  return frameOf({ type: 'transient', transient: { type: change, key, value, oldvalue: oldValue } });
}

/** A request to an internal client; its answer carries the id. */
function askFrame(askId: string, topic: string, data: object): Frame {
  return frameOf({ id: askId, type: 'internal', internal: { type: topic, [topic]: data } });
}
