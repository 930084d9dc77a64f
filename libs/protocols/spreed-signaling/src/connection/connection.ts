import { isInCall } from '../backend-request';
import { decodeFrame } from '../codec';
import { wireError } from '../errors';
import { CLIENT_FEATURES, LIMITS, welcomeFeatures } from '../features';
import { frameOf } from '../frame';
import { EventFrames } from '../event-frames';
import { byeFrame } from '../from-domain';
import type { ClientMessage } from '../client-message';
import {
  CLOSE,
  type ConnectionState,
  type Effect,
  type EndReason,
  type Input,
  type ServerFacts,
  type Step,
} from './connection.types';
import { deliver } from './events.steps';
import { errorEffect, nothing, withSession } from './effects';
import { federated, federationEnded, isForRemote } from './federation.steps';
import { hello, resumed, sessionOpened } from './hello.steps';
import { internal } from './internal.steps';
import { relay, transient } from './relay.steps';
import { robot } from './robot.steps';
import { joined, left, room } from './room.steps';

/**
 * The protocol's side of one connection as a pure state machine: no sockets, timers or clocks. Whoever drives it feeds
 * inputs one at a time, carries the effects out in order, and feeds answers back (`Input` says which). While an effect
 * is unanswered no further frame may be fed; timers, deliveries and the end of the session may.
 *
 * One instance serves all connections of a replica: it holds what they share, never what is one connection's own.
 */
export class SignalingMachine {
  readonly frames = new EventFrames();
  readonly server: ServerFacts;

  constructor(server: { version: string; features?: readonly string[] }) {
    this.server = { version: server.version, features: server.features ?? CLIENT_FEATURES };
  }

  /** Before `opened`. */
  initial(): ConnectionState {
    return {
      phase: 'greeting',
      pending: undefined,
      helloExpired: false,
      session: undefined,
      ownSeq: undefined,
      early: [],
      bye: undefined,
    };
  }

  step(state: ConnectionState, input: Input): Step {
    const step = this.advance(state, input);
    const inside = isInside(step.state);
    if (isInside(state) === inside) return step;
    return { state: step.state, effects: [...step.effects, { kind: 'call', inside }] };
  }

  private advance(state: ConnectionState, input: Input): Step {
    if (state.phase === 'closed') return afterClose(state, input);
    switch (input.kind) {
      case 'opened':
        return this.opened(state);
      case 'frame':
        return this.frame(state, input.text);
      case 'binary':
        return { state, effects: [errorEffect(undefined, wireError('invalid_format'))] };
      case 'timer':
        return timerFired(state, input.timer);
      case 'delivered':
        return deliver(this.frames, state, input);
      case 'ended':
        return ended(state, input.reason, input.detail);
      case 'session-opened':
        return sessionOpened(this.server, this.frames, state, input.outcome);
      case 'session-resumed':
        return resumed(this.server, this.frames, state, input.outcome);
      case 'joined':
        return joined(this.frames, state, input);
      case 'left':
        return left(state, input);
      case 'federated':
        return federated(state, input);
      case 'federation-ended':
        return federationEnded(state);
      case 'request-failed':
        return { state, effects: [errorEffect(input.id, input.error)] };
      case 'virtuals-changed':
        return nothing(withSession(state, { virtuals: input.virtuals }));
      case 'session-ended':
        return sayBye(state);
      case 'disconnected':
        return disconnected(state);
      case 'shutdown':
        return closeWith(state, CLOSE.restart);
    }
  }

  private opened(state: ConnectionState): Step {
    const { version, features } = this.server;
    const welcome = { type: 'welcome', welcome: { version, features: welcomeFeatures(features) } };
    return {
      state,
      effects: [
        { kind: 'send', frame: frameOf(welcome) },
        { kind: 'start-timer', timer: 'hello' },
      ],
    };
  }

  private frame(state: ConnectionState, text: string): Step {
    // A character is at most three bytes of UTF-8 (four for two), so short frames need no counting.
    if (text.length * 3 > LIMITS.maxFrameBytes && Buffer.byteLength(text) > LIMITS.maxFrameBytes) {
      return closeWith(state, CLOSE.tooBig);
    }
    const decoded = decodeFrame(text);
    if (!decoded.ok) {
      const { code, id, type } = decoded.error;
      // An authenticated client's hello is ignored, a broken one too.
      if (state.phase === 'active' && type === 'hello') return nothing(state);
      return { state, effects: [errorEffect(id, wireError(code))] };
    }
    return this.message(state, decoded.value, text);
  }

  private message(state: ConnectionState, message: ClientMessage, text: string): Step {
    if (state.phase === 'greeting') {
      if (message.type === 'hello') return hello(state, message);
      return { state, effects: [errorEffect(message.id, wireError('hello_expected'))] };
    }
    if (state.phase !== 'active') return nothing(state);
    if (isForRemote(state, message)) return { state, effects: [{ kind: 'proxy', text }] };
    if (state.session?.identity.kind === 'robot' && message.type !== 'bye') return robot(state, message);
    switch (message.type) {
      case 'bye':
        return beginEnd(state, { id: message.id, reason: undefined });
      case 'room':
        return room(state, message);
      case 'message':
      case 'control':
        return relay(state, message);
      case 'internal':
        return internal(state, message);
      case 'transient':
        return transient(state, message);
      case 'hello':
      case 'ack':
      case 'unknown':
        return nothing(state);
    }
  }
}

function isInside({ session }: ConnectionState): boolean {
  return session?.room !== undefined && isInCall(session.inCall);
}

function timerFired(state: ConnectionState, timer: 'hello' | 'guest-join'): Step {
  if (timer === 'hello') {
    if (state.phase === 'asking') return nothing({ ...state, helloExpired: true });
    return state.phase === 'greeting' ? byeAndClose(state, 'hello_timeout') : nothing(state);
  }
  // A join under way is decided first.
  const { session } = state;
  if (state.phase !== 'active' || session === undefined || session.joining) return nothing(state);
  if (session.room || session.federation) return nothing(state);
  return beginEnd(state, { id: undefined, reason: 'room_join_timeout' });
}

function beginEnd(state: ConnectionState, bye: ConnectionState['bye']): Step {
  return { state: { ...state, phase: 'ending', bye }, effects: [{ kind: 'end-session' }] };
}

function sayBye(state: ConnectionState): Step {
  if (state.phase !== 'ending') return nothing(state);
  const { bye } = state;
  const { effects, state: closed } = closeWith(state, CLOSE.normal);
  if (bye === undefined) return { state: closed, effects };
  return { state: closed, effects: [{ kind: 'send', frame: byeFrame(bye.id, bye.reason) }, ...effects] };
}

function byeAndClose(state: ConnectionState, reason: string): Step {
  const { effects, state: closed } = closeWith(state, CLOSE.normal);
  return { state: closed, effects: [{ kind: 'send', frame: byeFrame(undefined, reason) }, ...effects] };
}

/** Closes the connection; a session it still has may be resumed. */
function closeWith(state: ConnectionState, code: number): Step {
  const detach: Effect[] = state.phase === 'active' ? [{ kind: 'detach-session' }] : [];
  return { state: closedState(state), effects: [...detach, { kind: 'close', code }] };
}

/** A resume or open that was being decided is looked after when its answer comes (see {@link afterClose}). */
function closedState(state: ConnectionState): ConnectionState {
  return { ...state, phase: 'closed', session: undefined, pending: undefined, early: [] };
}

function disconnected(state: ConnectionState): Step {
  return { state: closedState(state), effects: state.phase === 'active' ? [{ kind: 'detach-session' }] : [] };
}

/** The live layer took the session away: it is not ours to detach any more. */
function ended(state: ConnectionState, reason: EndReason, detail: string | undefined): Step {
  if (state.phase === 'ending') return sayBye(state);
  const orphan: ConnectionState = { ...state, phase: 'greeting', session: undefined };
  switch (reason) {
    case 'resumed_elsewhere':
      return byeAndClose(orphan, 'session_resumed');
    case 'kicked':
      return byeAndClose(orphan, 'kicked');
    case 'ended':
      return byeAndClose(orphan, detail ?? 'ended');
    case 'log_overflow':
    case 'expired':
      return closeWith(orphan, CLOSE.tryAgain);
  }
}

/** Nobody listens any more; sessions that arrive late must not be left behind. */
function afterClose(state: ConnectionState, input: Input): Step {
  if (input.kind === 'session-opened' && input.outcome.ok) return { state, effects: [{ kind: 'end-session' }] };
  if (input.kind === 'session-resumed' && input.outcome.ok) return { state, effects: [{ kind: 'detach-session' }] };
  return nothing(state);
}
