import type { WireError } from '../errors';
import { frameOf } from '../frame';
import type { ActiveSession, ConnectionState, Effect, Step } from './connection.types';

const NO_EFFECTS: readonly Effect[] = [];

/** The state and nothing to do. */
export function nothing(state: ConnectionState): Step {
  return { state, effects: NO_EFFECTS };
}

/** An error answer. */
export function errorEffect(id: string | undefined, error: WireError): Effect {
  return { kind: 'send', frame: frameOf({ id, type: 'error', error }) };
}

/** Guests must enter a room soon; everybody else may wait. */
export function guestTimer(session: ActiveSession): Effect[] {
  const { identity, room, federation } = session;
  const inNone = room === undefined && federation === undefined;
  const mustJoin = identity.kind === 'client' && identity.userId === '' && inNone;
  return mustJoin ? [{ kind: 'start-timer', timer: 'guest-join' }] : [];
}

/** The state with these changes of its session, if it has one. */
export function withSession(state: ConnectionState, change: Partial<ActiveSession>): ConnectionState {
  return state.session === undefined ? state : { ...state, session: { ...state.session, ...change } };
}
