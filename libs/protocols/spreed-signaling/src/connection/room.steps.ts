import type { ClientMessage } from '../client-message';
import { wireError } from '../errors';
import type { Frame } from '../frame';
import { joinFrame, roomFrame, type EventFrames } from '../from-domain';
import { encodeSeq, type Position } from '../seq';
import type { ActiveSession, ConnectionState, Effect, Input, JoinedFacts, Step } from './connection.types';
import { errorEffect, guestTimer, nothing } from './effects';
import { deliverAll } from './events.steps';

type RoomRequest = Extract<ClientMessage, { type: 'room' }>;

/** Join, change or leave (sections "Join room", "Leave room"). */
export function room(state: ConnectionState, request: RoomRequest): Step {
  const { session } = state;
  if (session === undefined) return nothing(state);
  const { id, roomId, foreignSessionId } = request;
  if (request.federated) return { state, effects: [errorEffect(id, wireError('federation_unsupported'))] };
  if (roomId === '') {
    // Outside a room the usual server does not answer at all.
    return session.room === undefined ? nothing(state) : { state, effects: [{ kind: 'leave', id }] };
  }
  if (session.room?.roomId === roomId) {
    const { properties } = session.room;
    // The specification prints the details flat, newer servers nest them: both.
    const details = { roomid: roomId, properties: properties ?? {}, room: { roomid: roomId, properties } };
    return { state, effects: [errorEffect(id, wireError('already_joined', details))] };
  }
  const joining = { ...state, session: { ...session, joining: true } };
  return { state: joining, effects: [{ kind: 'join', id, roomId, foreignSessionId }] };
}

/** The door answered. On refusal the session stays where it was. */
export function joined(frames: EventFrames, state: ConnectionState, input: Extract<Input, { kind: 'joined' }>): Step {
  const { session } = state;
  if (state.phase !== 'active' || session === undefined) return nothing(state);
  const { outcome, id } = input;
  const free: ActiveSession = { ...session, joining: false, held: [] };
  if (!outcome.ok) {
    const rest = deliverAll(frames, { ...state, session: free }, session.held);
    return { state: rest.state, effects: [errorEffect(id, outcome.error), ...rest.effects, ...guestTimer(free)] };
  }
  const position = session.position && { session: session.position.session, room: outcome.cursor };
  const inside: ActiveSession = { ...free, room: outcome.room, position };
  const rest = deliverAll(frames, { ...state, session: inside }, session.held);
  return {
    state: rest.state,
    effects: [{ kind: 'stop-timer', timer: 'guest-join' }, ...entryFrames(inside, id, outcome), ...rest.effects],
  };
}

/** The answer first, then the joiner's own join, then everybody else in one event (brief 3.2). */
function entryFrames(session: ActiveSession, id: string | undefined, facts: JoinedFacts): Effect[] {
  const { roomId, properties } = facts.room;
  const written = [roomFrame(id, roomId, properties), joinFrame([facts.self])];
  if (facts.others.length > 0) written.push(joinFrame(facts.others));
  const last = written.length - 1;
  return written.map((frame, index) => (index === last ? positioned(session, frame) : { kind: 'send', frame }));
}

function positioned(session: ActiveSession, frame: Frame): Effect {
  const position: Position | undefined = session.position;
  if (position === undefined) return { kind: 'send', frame };
  return { kind: 'send', frame: session.wantsSeq ? frame.withMember('seq', encodeSeq(position)) : frame, position };
}

/** It is out; guests must enter a room again soon. */
export function left(state: ConnectionState, input: Extract<Input, { kind: 'left' }>): Step {
  const { session } = state;
  if (state.phase !== 'active' || session === undefined) return nothing(state);
  if (!input.outcome.ok) return { state, effects: [errorEffect(input.id, input.outcome.error)] };
  const position = session.position && { session: session.position.session };
  const outside: ActiveSession = { ...session, room: undefined, position };
  const answer = roomFrame(input.id, '');
  return {
    state: { ...state, session: outside },
    effects: [{ kind: 'send', frame: answer }, ...guestTimer(outside)],
  };
}
