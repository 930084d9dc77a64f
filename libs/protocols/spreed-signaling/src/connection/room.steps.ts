import type { Member, SessionId } from '@parley/domain';
import type { ClientMessage } from '../client-message';
import { wireError } from '../errors';
import { frameOf, type Frame } from '../frame';
import { initialFrame, type EventFrames } from '../event-frames';
import { flagsFrame, joinFrame, roomFrame } from '../from-domain';
import { encodeSeq, type Position } from '../seq';
import type { ActiveSession, ConnectionState, Effect, Input, JoinedFacts, Step } from './connection.types';
import { errorEffect, guestTimer, nothing } from './effects';
import { federate, withoutFederation } from './federation.steps';
import { deliverAll, outsideCall, receiverOf } from './events.steps';

const ANSWERED: Effect = { kind: 'answered' };

type RoomRequest = Extract<ClientMessage, { type: 'room' }>;

/** Join, change or leave (sections "Join room", "Leave room"). */
export function room(state: ConnectionState, request: RoomRequest): Step {
  const { session } = state;
  if (session === undefined) return nothing(state);
  const { id, roomId, foreignSessionId } = request;
  if (request.federation !== undefined && roomId !== '') return federate(state, request, request.federation);
  if (roomId === '') {
    if (session.federation !== undefined) return { state, effects: [{ kind: 'leave-federation', id }] };
    // Outside a room the usual server does not answer at all.
    return session.room === undefined ? nothing(state) : { state, effects: [{ kind: 'leave', id }] };
  }
  if (session.room?.roomId === roomId) {
    const { properties } = session.room;
    // The specification prints the details flat, newer servers nest them: both.
    const details = { roomid: roomId, properties: properties ?? {}, room: { roomid: roomId, properties } };
    // Its backend may know it by another name by now.
    const rename: Effect[] =
      session.identity.foreign && foreignSessionId ? [{ kind: 'rename', id, foreignSessionId }] : [];
    return { state, effects: [...rename, errorEffect(id, wireError('already_joined', details))] };
  }
  const joining = { ...state, session: { ...session, joining: true } };
  const inCall = session.identity.kind === 'internal' ? session.inCall : undefined;
  return { state: joining, effects: [{ kind: 'join', id, roomId, foreignSessionId, inCall }] };
}

/** The door answered. On refusal the session stays where it was. */
export function joined(frames: EventFrames, state: ConnectionState, input: Extract<Input, { kind: 'joined' }>): Step {
  const { session } = state;
  if (state.phase !== 'active' || session === undefined) return nothing(state);
  const { outcome, id } = input;
  const free: ActiveSession = { ...session, joining: false, held: [] };
  if (!outcome.ok) {
    const rest = deliverAll(frames, { ...state, session: free }, session.held);
    const refusal = [errorEffect(id, outcome.error), ANSWERED];
    return { state: rest.state, effects: [...refusal, ...rest.effects, ...guestTimer(free)] };
  }
  const position = state.ownSeq === undefined ? undefined : { session: state.ownSeq, room: outcome.cursor };
  const { permissions = session.permissions, self, others } = outcome;
  const inCall = session.identity.kind === 'internal' ? session.inCall : (self.inCall ?? 0);
  const room = { ...outcome.room, flags: flagsOf(others) };
  const { session: here, effects: parting } = withoutFederation(free);
  const inside: ActiveSession = { ...here, room, permissions, inCall };
  const rest = deliverAll(frames, { ...state, session: inside }, session.held);
  return {
    state: rest.state,
    effects: [
      ...parting,
      { kind: 'stop-timer', timer: 'guest-join' },
      ...entryFrames(inside, id, outcome, position),
      ANSWERED,
      ...rest.effects,
    ],
  };
}

/** The answer first, then the joiner's own join, the room's values, everybody else in one event, their flags (brief 3.2). */
function entryFrames(
  session: ActiveSession,
  id: string | undefined,
  facts: JoinedFacts,
  position: Position | undefined,
): Effect[] {
  const { roomId } = facts.room;
  const { hidesNames } = receiverOf(session);
  const { self, others, transient = {} } = facts;
  const written = [enteredFrame(id, facts), joinFrame([self], hidesNames)];
  if (Object.keys(transient).length > 0) written.push(initialFrame(transient));
  if (others.length > 0) written.push(joinFrame(others, hidesNames));
  for (const [sessionId, flags] of session.room?.flags ?? []) written.push(flagsFrame(roomId, sessionId, flags));
  const last = written.length - 1;
  return written.map((frame, index) =>
    index === last ? positioned(session, frame, position) : { kind: 'send', frame },
  );
}

/** Flags of the virtual sessions that have any. */
function flagsOf(members: readonly Member[]): ReadonlyMap<SessionId, number> {
  return new Map(members.flatMap(({ sessionId, flags }) => (flags ? [[sessionId, flags] as const] : [])));
}

/** The answer to a join. Limits are named only when there are any. */
function enteredFrame(id: string | undefined, { room: { roomId, properties }, bandwidth }: JoinedFacts): Frame {
  const limits = bandwidth && { maxstreambitrate: bandwidth.stream, maxscreenbitrate: bandwidth.screen };
  return frameOf({ id, type: 'room', room: { roomid: roomId, properties, bandwidth: limits } });
}

function positioned(session: ActiveSession, frame: Frame, position: Position | undefined): Effect {
  if (position === undefined) return { kind: 'send', frame };
  return { kind: 'send', frame: session.wantsSeq ? frame.withMember('seq', encodeSeq(position)) : frame, position };
}

/** It is out; guests must enter a room again soon. */
export function left(state: ConnectionState, input: Extract<Input, { kind: 'left' }>): Step {
  const { session } = state;
  if (state.phase !== 'active' || session === undefined) return nothing(state);
  if (!input.outcome.ok) return { state, effects: [errorEffect(input.id, input.outcome.error), ANSWERED] };
  const outside: ActiveSession = { ...session, room: undefined, inCall: outsideCall(session) };
  const answer = roomFrame(input.id, '');
  return {
    state: { ...state, session: outside },
    effects: [{ kind: 'send', frame: answer }, ANSWERED, ...guestTimer(outside)],
  };
}
