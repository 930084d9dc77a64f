import type { ClientMessage } from '../client-message';
import { wireError } from '../errors';
import { belongsToOther, holds } from '../permissions';
import { toMessageEvent } from '../to-domain';
import type { ActiveSession, ConnectionState, Step } from './connection.types';
import { errorEffect, nothing } from './effects';

type Message = Extract<ClientMessage, { type: 'message' | 'control' }>;
type Transient = Extract<ClientMessage, { type: 'transient' }>;

/**
 * A message of this client to others. What may not be sent, or reaches nobody, is dropped without an answer: the
 * protocol has none for it (brief 2.6).
 */
export function relay(state: ConnectionState, message: Message): Step {
  const { session } = state;
  if (session === undefined) return nothing(state);
  const { recipient } = message;
  const userId = session.room?.userId ?? session.identity.userId;
  const dropped =
    ((recipient.type === 'room' || recipient.type === 'call') && session.room === undefined) ||
    (recipient.type === 'session' && recipient.sessionId === session.sessionId) ||
    (recipient.type === 'user' && recipient.userId === userId) ||
    (message.type === 'control' && !mayControl(session));
  if (dropped) return nothing(state);
  const event = toMessageEvent(message, { sessionId: session.sessionId, userId });
  return { state, effects: [{ kind: 'relay', id: message.id, recipient, event }] };
}

function mayControl({ identity, permissions, room }: ActiveSession): boolean {
  if (identity.kind === 'internal') return true;
  return identity.foreign ? holds(permissions, 'control') : room?.mayControl === true;
}

/** Writes or removes one of the room's values (section "Transient data"; who may, brief 2.8). */
export function transient(state: ConnectionState, { id, request }: Transient): Step {
  const { session } = state;
  if (session === undefined) return nothing(state);
  if (session.room === undefined) return { state, effects: [errorEffect(id, wireError('not_in_room'))] };
  if (request.kind === 'unknown') return { state, effects: [errorEffect(id, wireError('ignored'))] };
  const { key } = request;
  if (!mayWrite(session, key)) return { state, effects: [errorEffect(id, wireError('not_allowed'))] };
  const value = request.kind === 'set' ? request.value : undefined;
  const ttlMs = request.kind === 'set' ? request.ttlMs : undefined;
  return { state, effects: [{ kind: 'set-transient', id, key, value, ttlMs }] };
}

function mayWrite({ identity, permissions, sessionId }: ActiveSession, key: string): boolean {
  if (identity.kind === 'internal') return true;
  return holds(permissions, 'transient-data') && !belongsToOther(key, sessionId);
}
