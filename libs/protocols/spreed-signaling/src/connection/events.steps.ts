import type { ClientMessage } from '../client-message';
import type { EventFrames } from '../from-domain';
import { encodeSeq } from '../seq';
import { toMessageEvent } from '../to-domain';
import type { ActiveSession, ConnectionState, DeliveredEvent, Effect, Step } from './connection.types';
import { guestTimer, nothing } from './effects';

type Message = Extract<ClientMessage, { type: 'message' | 'control' }>;

/**
 * A message of this client to others. What may not be sent, or reaches nobody, is dropped without an answer: the
 * protocol has none for it (brief 2.6).
 */
export function relay(state: ConnectionState, message: Message): Step {
  const { session } = state;
  if (session === undefined) return nothing(state);
  const { recipient } = message;
  // Nobody is in a call yet: call membership comes with the backends that tell of it.
  if (recipient.type === 'call') return nothing(state);
  const dropped =
    (recipient.type === 'room' && session.room === undefined) ||
    (recipient.type === 'session' && recipient.sessionId === session.sessionId) ||
    (recipient.type === 'user' && recipient.userId === session.identity.userId) ||
    (message.type === 'control' && !mayControl(session));
  if (dropped) return nothing(state);
  const event = toMessageEvent(message, { sessionId: session.sessionId, userId: session.identity.userId });
  return { state, effects: [{ kind: 'relay', id: message.id, recipient, event }] };
}

function mayControl(session: ActiveSession): boolean {
  return session.identity.kind === 'internal' || session.room?.mayControl === true;
}

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

function write(
  frames: EventFrames,
  state: ConnectionState,
  session: ActiveSession,
  { event, position }: DeliveredEvent,
): Step {
  const frame = frames.of(event, session.room?.roomId ?? '');
  const next = afterEvent(session, event, position);
  const effects: Effect[] = [];
  if (frame === undefined) effects.push({ kind: 'mark', position });
  else {
    const written = session.wantsSeq ? frame.withMember('seq', encodeSeq(position)) : frame;
    effects.push({ kind: 'send', frame: written, position });
  }
  if (event.kind === 'room-closed') effects.push(...guestTimer(next));
  return { state: { ...state, session: next }, effects };
}

function afterEvent(session: ActiveSession, event: DeliveredEvent['event'], position: ActiveSession['position']) {
  const moved: ActiveSession = { ...session, position };
  if (event.kind === 'room-closed') return { ...moved, room: undefined };
  if (event.kind === 'room-changed' && session.room) {
    return { ...moved, room: { ...session.room, properties: event.properties } };
  }
  if (event.kind === 'changed' && session.room) {
    const self = event.members.find((member) => member.sessionId === session.sessionId);
    // In rooms of a foreign backend the backend's permissions decide, not the role.
    if (self && self.foreignSessionId === undefined) {
      return { ...moved, room: { ...session.room, mayControl: self.role === 'host' } };
    }
  }
  return moved;
}
