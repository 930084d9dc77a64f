import type { ClientMessage } from '../client-message';
import { internalFeatures, MESSAGE_SEQ } from '../features';
import { frameOf, type Frame } from '../frame';
import { participantsFrame, type EventFrames } from '../event-frames';
import type {
  ActiveSession,
  ConnectionState,
  DeliveredEvent,
  Effect,
  Input,
  Pending,
  ServerFacts,
  SessionFacts,
  Step,
} from './connection.types';
import { errorEffect, guestTimer, nothing } from './effects';
import { deliverAll } from './events.steps';
import { defaultInCall } from '../participants';
import { withoutRepeatedRefreshes } from './missed';
import { joined, room } from './room.steps';

type Hello = Extract<ClientMessage, { type: 'hello' }>;
type Opened = Extract<Input, { kind: 'session-opened' }>['outcome'];
type Resumed = Extract<Input, { kind: 'session-resumed' }>['outcome'];

/** A hello on a connection without a session. */
export function hello(state: ConnectionState, message: Hello): Step {
  const { hello: request } = message;
  const pending: Pending = { id: message.id, version: request.version, features: request.features };
  const asking: ConnectionState = { ...state, phase: 'asking', pending };
  if (request.kind === 'resume') {
    const { resumeId, lastSeen } = request;
    return { state: asking, effects: [{ kind: 'resume-session', resumeId, lastSeen, features: request.features }] };
  }
  // Backends may be slow: the timer stands still meanwhile.
  return {
    state: asking,
    effects: [
      { kind: 'stop-timer', timer: 'hello' },
      { kind: 'open-session', hello: request },
    ],
  };
}

/** A new session was opened or refused. After a refusal another hello may follow on the same connection. */
export function sessionOpened(server: ServerFacts, frames: EventFrames, state: ConnectionState, outcome: Opened): Step {
  const { pending } = state;
  if (state.phase !== 'asking' || pending === undefined) return nothing(state);
  if (!outcome.ok) {
    return {
      state: { ...state, phase: 'greeting', pending: undefined, helloExpired: false, early: [] },
      effects: [errorEffect(pending.id, outcome.error), { kind: 'start-timer', timer: 'hello' }],
    };
  }
  const session = activeSession(outcome, pending.features);
  const ownSeq = 0;
  const active: ConnectionState = { ...state, phase: 'active', pending: undefined, session, ownSeq, early: [] };
  const rest = deliverAll(frames, active, state.early);
  return {
    state: rest.state,
    effects: [{ kind: 'send', frame: helloFrame(server, pending, outcome) }, ...guestTimer(session), ...rest.effects],
  };
}

/** A session was taken over from a lost connection, or could not be. The hello timer was running all the time. */
export function resumed(server: ServerFacts, frames: EventFrames, state: ConnectionState, outcome: Resumed): Step {
  const { pending } = state;
  if (state.phase !== 'asking' || pending === undefined) return nothing(state);
  if (!outcome.ok) {
    // What came early was for the session that was refused.
    const greeting: ConnectionState = {
      ...state,
      phase: 'greeting',
      pending: undefined,
      helloExpired: false,
      early: [],
    };
    const restart: Effect[] = state.helloExpired ? [{ kind: 'start-timer', timer: 'hello' }] : [];
    return { state: greeting, effects: [errorEffect(pending.id, outcome.error), ...restart] };
  }
  const fresh = activeSession(outcome, [...outcome.features, ...pending.features]);
  const { room, federation, permissions, inCall = fresh.inCall, virtuals = fresh.virtuals } = outcome;
  const session: ActiveSession = { ...fresh, room, federation, permissions, inCall, virtuals };
  const ownSeq = outcome.position?.session;
  const active: ConnectionState = { ...state, phase: 'active', pending: undefined, session, ownSeq, early: [] };
  const events = [...outcome.missed, ...state.early];
  const replay = deliverAll(frames, active, session.wantsSeq ? events : withoutRepeatedRefreshes(events));
  const rest = answerOpenRequest(frames, replay.state, outcome);
  return {
    state: rest.state,
    effects: [
      { kind: 'stop-timer', timer: 'hello' },
      { kind: 'send', frame: helloFrame(server, pending, outcome) },
      ...guestTimer(session),
      ...replay.effects,
      ...participantsNow(outcome, events),
      ...rest.effects,
    ],
  };
}

/** What the lost connection was asked is answered, or done again: backends and rooms take it twice (brief 3.3). */
function answerOpenRequest(
  frames: EventFrames,
  state: ConnectionState,
  { request, entered }: Extract<Resumed, { ok: true }>,
): Step {
  if (request === undefined) return nothing(state);
  if (entered !== undefined) {
    return joined(frames, state, { kind: 'joined', id: request.id, outcome: { ok: true, ...entered } });
  }
  // It may have left already; the answer is the same.
  if (request.roomId === '') return { state, effects: [{ kind: 'leave', id: request.id }] };
  return room(state, { type: 'room', ...request, federation: undefined });
}

/** Whoever missed no list of participants is told who takes part now: it may have changed before the loss was noticed. */
function participantsNow(
  { room, participants }: Extract<Resumed, { ok: true }>,
  events: readonly DeliveredEvent[],
): Effect[] {
  if (room === undefined || !participants?.length) return [];
  if (events.some(({ event }) => event.kind === 'participants')) return [];
  return [{ kind: 'send', frame: participantsFrame(room.roomId, participants) }];
}

function activeSession(facts: SessionFacts, features: readonly string[]): ActiveSession {
  const { sessionId, resumeId, identity } = facts;
  return {
    sessionId,
    resumeId,
    identity,
    features,
    wantsSeq: features.includes(MESSAGE_SEQ),
    permissions: undefined,
    inCall: identity.kind === 'internal' ? defaultInCall('internal', features) : 0,
    virtuals: new Map(),
    room: undefined,
    joining: false,
    held: [],
  };
}

/** The complete answer, on a resume too: the web client rebuilds its feature table from every one. */
function helloFrame({ version, features }: ServerFacts, pending: Pending, facts: SessionFacts): Frame {
  const internal = facts.identity.kind === 'internal';
  return frameOf({
    id: pending.id,
    type: 'hello',
    hello: {
      version: pending.version,
      sessionid: facts.sessionId,
      resumeid: facts.resumeId,
      userid: facts.identity.userId,
      server: { version, features: internal ? internalFeatures(features) : features },
    },
  });
}
