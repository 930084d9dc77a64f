import type { CoreEvent } from '@parley/domain';
import { isInCall } from '../backend-request';
import { CHAT_RELAY } from '../chat-relay';
import type { EventFrames, Receiver } from '../event-frames';
import type { Frame } from '../frame';
import { messageFrame } from '../from-domain';
import { holds } from '../permissions';
import { encodeSeq, type Position } from '../seq';
import { hangUpFrame, isNewName } from './special-messages';
import type { ActiveSession, ConnectionState, CurrentRoom, DeliveredEvent, Effect, Step } from './connection.types';
import { guestTimer, nothing } from './effects';

const NO_FRAMES: readonly Frame[] = [];
/** For frames that are the same for everybody. */
const ANYBODY: Receiver = { roomId: '', internal: false, hidesNames: false, chatRelay: false };

/** An event from the live layer. */
export function deliver(frames: EventFrames, state: ConnectionState, delivered: DeliveredEvent): Step {
  const { session } = state;
  // The answer to a hello precedes everything else.
  if (state.phase === 'asking') return nothing({ ...state, early: [...state.early, delivered] });
  if (state.phase !== 'active' || session === undefined) return nothing(state);
  const liveId = delivered.position.room?.id;
  // The answer to a join precedes everything of that room, also when the event is quicker than the answer.
  if (session.joining && liveId !== undefined && liveId !== session.room?.liveId) {
    return nothing({ ...state, session: { ...session, held: [...session.held, delivered] } });
  }
  return write(frames, state, session, delivered);
}

/** Several events, in order. */
export function deliverAll(frames: EventFrames, start: ConnectionState, events: readonly DeliveredEvent[]): Step {
  let state = start;
  const effects: Effect[] = [];
  for (const event of events) {
    const step = deliver(frames, state, event);
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects };
}

/** What the frames for this session depend on. */
export function receiverOf(session: ActiveSession): Receiver {
  return {
    roomId: session.room?.roomId ?? '',
    internal: session.identity.kind === 'internal',
    hidesNames: hidesNames(session),
    chatRelay: session.features.includes(CHAT_RELAY),
  };
}

function hidesNames({ identity, permissions }: ActiveSession): boolean {
  return (identity.kind === 'client' || identity.kind === 'federation') && holds(permissions, 'hide-displaynames');
}

function write(
  frames: EventFrames,
  state: ConnectionState,
  session: ActiveSession,
  { event, position }: DeliveredEvent,
): Step {
  const effects = telling(session, toldOf(frames, session, event), position);
  const next = afterEvent(session, event);
  if (event.kind === 'room-closed') effects.push(...guestTimer(next));
  if (isThrownOut(session, event)) {
    return {
      state: { ...state, phase: 'ending', session: next, ownSeq: position.session, bye: undefined },
      effects: [...effects, { kind: 'end-session' }],
    };
  }
  return { state: reached(state, next, position.session), effects };
}

/** Written out, and only when something changed: this is done for every message to everybody. */
function reached(state: ConnectionState, session: ActiveSession, ownSeq: number): ConnectionState {
  if (session === state.session && ownSeq === state.ownSeq) return state;
  const { phase, pending, helloExpired, early, bye } = state;
  return { phase, pending, helloExpired, session, ownSeq, early, bye };
}

/** The place is reached with the last of several frames: after a resume all of them come again. */
function telling({ wantsSeq }: ActiveSession, told: readonly Frame[], position: Position): Effect[] {
  const last = told.at(-1);
  if (last === undefined) return [{ kind: 'mark', position }];
  const frame = wantsSeq ? last.withMember('seq', encodeSeq(position)) : last;
  const end: Effect = { kind: 'send', frame, position };
  if (told.length === 1) return [end];
  return [...told.slice(0, -1).map((one): Effect => ({ kind: 'send', frame: one })), end];
}

/** Who is no longer invited to the room it is in is closed after it was told; in other rooms it only hears of it. */
function isThrownOut({ room }: ActiveSession, event: CoreEvent): boolean {
  if (event.kind !== 'room-list' || event.leave === undefined) return false;
  return event.recipient === undefined && event.leave === room?.liveId;
}

/** The frames for this receiver; none when it is not told. */
function toldOf(frames: EventFrames, session: ActiveSession, event: CoreEvent): readonly Frame[] {
  const { room } = session;
  switch (event.kind) {
    case 'message':
      if (event.recipient !== undefined) return forVirtual(session, event);
      if (event.addressed === 'call' && !isInCall(session.inCall)) return NO_FRAMES;
      if (hidesNames(session) && isNewName(event)) return NO_FRAMES;
      return frames.of(event, ANYBODY);
    case 'room-list':
      if (event.recipient !== undefined) return forVirtual(session, event);
      break;
    case 'participants':
      if (isOutdated(room, event)) return NO_FRAMES;
      break;
    case 'all-in-call':
      if (isInCall(event.inCall) && !isOrdered(session, event.inCall)) return NO_FRAMES;
      break;
    case 'flags':
      if ((room?.flags?.get(event.sessionId) ?? 0) === event.flags) return NO_FRAMES;
      break;
    default:
      break;
  }
  return frames.of(event, receiverOf(session));
}

type ForVirtual = Extract<CoreEvent, { kind: 'message' | 'room-list' }>;

/** Something for a virtual session, told to the internal client that speaks for it. */
function forVirtual(session: ActiveSession, event: ForVirtual): readonly Frame[] {
  const name = event.recipient && session.virtuals.get(event.recipient);
  if (event.recipient === undefined || name === undefined) return NO_FRAMES;
  if (event.kind === 'message') return [messageFrame(event, name.chosenId)];
  const isOut = event.change === 'disinvited' && event.roomName === name.roomId;
  return isOut ? [hangUpFrame(event.recipient, name.chosenId)] : NO_FRAMES;
}

function isOutdated(room: CurrentRoom | undefined, { order }: Extract<CoreEvent, { kind: 'participants' }>): boolean {
  return order !== undefined && room?.told !== undefined && order < room.told;
}

function afterEvent(session: ActiveSession, event: CoreEvent): ActiveSession {
  const { room } = session;
  switch (event.kind) {
    case 'permissions':
      return { ...session, permissions: event.permissions };
    case 'room-closed':
      return { ...session, room: undefined, inCall: outsideCall(session) };
    case 'all-in-call':
      return isOrdered(session, event.inCall) ? { ...session, inCall: event.inCall } : session;
    case 'room-changed':
      return room ? { ...session, room: { ...room, properties: event.properties } } : session;
    case 'participants':
      return room && !isOutdated(room, event) ? afterParticipants(session, room, event) : session;
    case 'flags':
      return room ? { ...session, room: { ...room, flags: withFlags(room, event) } } : session;
    case 'left':
      return room?.flags
        ? { ...session, room: { ...room, flags: withoutFlags(room.flags, event.sessionIds) } }
        : session;
    case 'changed':
      return afterChange(session, room, event);
    default:
      return session;
  }
}

/** Whether everybody's order about the call goes for it too: services come by themselves, guests of others too. */
function isOrdered({ identity }: ActiveSession, inCall: number): boolean {
  return identity.kind === 'client' || (identity.kind === 'federation' && !isInCall(inCall));
}

/** Internal clients keep their flags for the next room. */
export function outsideCall({ identity, inCall }: ActiveSession): number {
  return identity.kind === 'internal' ? inCall : 0;
}

function afterParticipants(
  session: ActiveSession,
  room: CurrentRoom,
  { inCall, order }: Extract<CoreEvent, { kind: 'participants' }>,
): ActiveSession {
  const told: ActiveSession = { ...session, room: { ...room, ...(order === undefined ? {} : { told: order }) } };
  if (inCall === undefined || session.identity.kind === 'internal') return told;
  return { ...told, inCall: inCall.includes(session.sessionId) ? 1 : 0 };
}

function withFlags({ flags }: CurrentRoom, event: Extract<CoreEvent, { kind: 'flags' }>): CurrentRoom['flags'] {
  return new Map(flags).set(event.sessionId, event.flags);
}

function withoutFlags(flags: NonNullable<CurrentRoom['flags']>, gone: readonly string[]): CurrentRoom['flags'] {
  const left = [...flags].filter(([sessionId]) => !gone.includes(sessionId));
  return left.length === flags.size ? flags : new Map(left);
}

function afterChange(
  session: ActiveSession,
  room: CurrentRoom | undefined,
  { members }: Extract<CoreEvent, { kind: 'changed' }>,
): ActiveSession {
  const self = members.find((member) => member.sessionId === session.sessionId);
  // In rooms of a foreign backend the backend's permissions decide, not the role.
  if (!room || !self || self.foreignSessionId !== undefined) return session;
  return { ...session, room: { ...room, mayControl: self.role === 'host' } };
}
