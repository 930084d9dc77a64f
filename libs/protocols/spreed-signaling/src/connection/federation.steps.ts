import type { ClientMessage, FederationTarget } from '../client-message';
import type { ActiveSession, ConnectionState, Effect, Input, Step } from './connection.types';
import { errorEffect, guestTimer, nothing } from './effects';
import { outsideCall } from './events.steps';

type RoomRequest = Extract<ClientMessage, { type: 'room' }>;

/** Whether a frame is for the other cluster: everything but what is about the session itself (brief 2.1). */
export function isForRemote({ session }: ConnectionState, { type }: ClientMessage): boolean {
  return session?.federation !== undefined && type !== 'room' && type !== 'hello' && type !== 'bye';
}

/** A client wants into a room of another cluster. Until that answers, everything stays as it is. */
export function federate(state: ConnectionState, request: RoomRequest, target: FederationTarget): Step {
  const { id, roomId, foreignSessionId } = request;
  return { state, effects: [{ kind: 'federate', id, roomId, foreignSessionId, target }] };
}

/** The other cluster answered. On refusal the session stays where it was. */
export function federated(state: ConnectionState, { id, outcome }: Extract<Input, { kind: 'federated' }>): Step {
  const { session } = state;
  if (state.phase !== 'active' || session === undefined) return nothing(state);
  if (!outcome.ok) return { state, effects: [errorEffect(id, outcome.error), ...guestTimer(session)] };
  const { roomId } = outcome;
  return {
    state: { ...state, session: { ...outside(session), federation: { roomId } } },
    effects: [{ kind: 'stop-timer', timer: 'guest-join' }],
  };
}

/** Its connection to the other cluster is over. */
export function federationEnded(state: ConnectionState): Step {
  const { session } = state;
  if (state.phase !== 'active' || session?.federation === undefined) return nothing(state);
  const free: ActiveSession = { ...session, federation: undefined };
  return { state: { ...state, session: free }, effects: guestTimer(free) };
}

/** A session that entered a room of this cluster needs the other one no longer. */
export function withoutFederation(session: ActiveSession): { session: ActiveSession; effects: Effect[] } {
  if (session.federation === undefined) return { session, effects: [] };
  return { session: { ...session, federation: undefined }, effects: [{ kind: 'end-federation' }] };
}

function outside(session: ActiveSession): ActiveSession {
  if (session.room === undefined) return session;
  return { ...session, room: undefined, inCall: outsideCall(session) };
}
