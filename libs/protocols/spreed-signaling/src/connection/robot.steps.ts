import type { ClientMessage } from '../client-message';
import { wireError } from '../errors';
import type { ConnectionState, Step } from './connection.types';
import { errorEffect, nothing } from './effects';

/**
 * A frame of a robot (PROTOCOL.md, "Robots"). It acknowledges what it is handed and is in no room: it can say nothing to
 * anybody, and nobody learns that it is there.
 */
export function robot(state: ConnectionState, message: ClientMessage): Step {
  const { id } = message;
  switch (message.type) {
    case 'ack':
      return { state, effects: [{ kind: 'acknowledge', id, deliveryId: message.deliveryId }] };
    case 'room':
      // It is in none, so there is none to leave.
      if (message.roomId === '') return nothing(state);
      return { state, effects: [errorEffect(id, wireError('not_allowed'))] };
    case 'transient':
      return { state, effects: [errorEffect(id, wireError('not_in_room'))] };
    default:
      return nothing(state);
  }
}
